"""Whole ticks: what is decided on a picture, why, and how it is told."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from gateway.model.circuits import Amps, Circuit, TemporaryLimit
from gateway.model.instants import Instant
from gateway.model.load_decision import Decision
from gateway.model.load_memory import CircuitMemory, ConnectorMemory, Memory, SurplusMemory
from gateway.model.site_picture import SessionFacts
from gateway.rules.balance import decide
from tests.unit.rules.load_pictures import (
    MAIN,
    METERED,
    charging,
    decided,
    lease,
    only,
    outlet,
    picture,
    reading,
    sent,
)

NEW = charging(1, None, session=SessionFacts("one", 5.0), measured_amps=(0.0,) * 3)


def remembering(**connectors: ConnectorMemory) -> Memory:
    """Of connectors `c1`, `c2`, ... on station CP, with their session known."""
    return Memory({f"CP/{name[1:]}": memory._replace(session="one") for name, memory in connectors.items()})


def why(decision: Decision, connector: int = 1) -> tuple[str, str]:
    """Source and text of a connector's binding."""
    (binding,) = [each.binding for each in decision.connectors if each.connector == connector]
    return binding.source, binding.text


def test_a_new_car_gets_what_is_free_at_once() -> None:
    decision = decided(picture(NEW))
    assert sent(decision) == {1: ("start", 31.5)}
    assert only(decision).lease_seconds == 600.0
    assert decision.within_limits and decision.connectors[0].phases == (1, 2, 3)
    assert decision.circuits[0].headroom_amps == (0.5, 0.5, 0.5)


def test_two_cars_share_and_are_told_why() -> None:
    decision = decided(picture(charging(1, 32.0), replace(NEW, connector=2)))
    assert sent(decision) == {1: ("decrease", 15.5)}
    assert why(decision, 1) == ("installer", "main, phase 1 is shared by 2: of 32 A (installer), 0.0 A are not managed")
    assert (decision.connectors[0].binding.circuit, decision.connectors[0].binding.phase) == ("main", 1)


def test_a_car_alone_has_all_that_the_outlet_gives() -> None:
    decision = decided(picture(charging(1, 16.0), outlets=(outlet(max_amps=16.0),)))
    assert why(decision) == ("outlet", "it has all that the outlet gives: 16 A")


def test_a_third_car_without_room_waits_and_is_told_so() -> None:
    small = replace(MAIN, limit_amps=(14.0,) * 3)
    facts = charging(1, 6.5), charging(2, 6.5), replace(NEW, connector=3)
    decision = decided(picture(*facts, circuits=(small,)))
    assert sent(decision) == {}
    assert why(decision, 3)[1].startswith("main, phase 1 has no room for the 6 A it needs: of 14 A (installer)")


@pytest.mark.parametrize(
    ("limits", "source"),
    [((30.0, 12.0, 31.0), "dso"), ((32.0, 31.5, 32.0), "fleet"), (None, "fleet")],
)
def test_of_several_limits_for_a_time_the_lowest_is_named(limits: Amps | None, source: str) -> None:
    dso = () if limits is None else (TemporaryLimit("main", limits, "dso"),)
    fleet = TemporaryLimit("main", (31.0, 32.0, 31.0), "fleet")
    assert decided(picture(limits=(*dso, fleet))).circuits[0].source == source


def test_a_lower_limit_for_a_time_holds_until_it_ends_and_never_raises() -> None:
    fleet = TemporaryLimit("main", (20.0, 40.0, 20.0), "fleet", Instant(1_000_000_001))
    other = TemporaryLimit("elsewhere", (1.0,) * 3, "fleet")
    decision = decided(picture(charging(1, 32.0), limits=(fleet, other)))
    assert sent(decision) == {1: ("decrease", 19.5)} and why(decision)[0] == "fleet"
    assert decision.circuits[0].effective_limit_amps == (20.0, 32.0, 20.0) and decision.circuits[0].source == "fleet"
    assert sent(decided(picture(charging(1, 31.0), limits=(replace(fleet, until=Instant(5)),)))) == {}
    assert not decision.within_limits
    assert [(alarm.kind, alarm.text) for alarm in decision.alarms] == [
        ("limit_at_risk", "main: worst case above the limit by 12.0 A, being lowered")
    ]


def test_nobody_there_nothing_told() -> None:
    decision = decided(picture(charging(1, None, session=None), outlets=(outlet(), outlet(2))))
    assert why(decision, 1) == ("idle", "no session is running")
    assert why(decision, 2) == ("fallback", "the station is not connected; 6 A are kept for it")
    assert decision.connectors[1].measured_amps is None
    assert decision.circuits[0].allotted_amps == (6.0, 6.0, 6.0) and decision.sends == ()


def test_s5_a_silent_station_keeps_its_room() -> None:
    decision = decided(picture(charging(1, 20.0, connected=False), replace(NEW, connector=2)))
    assert sent(decision) == {2: ("start", 11.5)}
    assert [alarm.kind for alarm in decision.alarms] == ["station_offline"]


def test_a_station_that_follows_no_limit_keeps_all_it_could_draw() -> None:
    decision = decided(picture(charging(1), replace(NEW, connector=2), outlets=(outlet(mode="D"), outlet(2))))
    assert sent(decision) == {}
    assert why(decision, 1) == ("unlimited", "the station follows no limit; 32 A are kept for it")


def test_a_refused_limit_is_reserved_and_not_planned() -> None:
    decision = decided(picture(charging(1, lease=lease(20.0, refused=True)), replace(NEW, connector=2)))
    assert sent(decision) == {2: ("start", 11.5)}
    assert why(decision, 1)[0] == "unconfirmed"


def test_a_station_that_does_not_answer_for_15_seconds_makes_others_give_way() -> None:
    silent = charging(1, lease=lease(20.0, pending_amps=10.0, pending_age_seconds=3.0))
    seen = picture(silent, charging(2, 20.0))
    rested = ConnectorMemory(changed_at=999.0)
    known = {"waiting_since": 985.0, "sent_at": 995.0, "cap_amps": 10.0}
    memory = remembering(c1=ConnectorMemory(**known), c2=rested)  # type: ignore[arg-type]
    assert sent(decided(seen, memory)) == {2: ("decrease", 11.5)}
    patient = remembering(c1=ConnectorMemory(**(known | {"waiting_since": 990.0})), c2=rested)  # type: ignore[arg-type]
    assert sent(decided(seen, patient)) == {}


def test_s4_after_a_restart_the_ledger_is_only_the_worst_case() -> None:
    ledger = charging(1, lease=lease(None, pending_amps=20.0, pending_age_seconds=60.0))
    decision = decided(picture(ledger, replace(NEW, connector=2)))
    assert sent(decision) == {1: ("decrease", 15.5), 2: ("start", 11.5)}
    assert decision.connectors[0].worst_amps == 20.0
    nothing_sent = charging(1, lease=lease(None))
    assert decided(picture(nothing_sent)).connectors[0].cap_amps == 31.5


def test_a_defiant_car_is_reserved_alarmed_and_stopped_when_a_circuit_suffers() -> None:
    wild = charging(1, lease=lease(6.0), measured_amps=(30.0,) * 3)
    memory = Memory(
        {"CP/1": ConnectorMemory("one", defiant=True, excess_since=900.0)},
        {"main": CircuitMemory(good_at=999.0, over_since=(940.0, None, None))},
    )
    seen = picture(wild, circuits=(METERED,), readings=(reading(64.0, 60.0, 60.0),))
    decision = decided(seen, memory)
    assert [(stop.connector, stop.reason) for stop in decision.stops] == [
        (1, "it ignores its limit and a circuit is overloaded")
    ]
    assert not decision.connectors[0].compliant
    assert why(decision) == ("ignored", "it draws more than its limit of 6 A; 30 A are kept for it")
    assert [alarm.kind for alarm in decision.alarms] == ["over_limit", "limit_at_risk", "station_ignores_limit"]
    young = Memory(memory.connectors, {"main": CircuitMemory(good_at=999.0, over_since=(941.0, None, None))})
    assert decided(seen, young).stops == ()


def test_an_overload_that_lasts_sheds_the_lowest_class_one_by_one() -> None:
    facts = charging(1, 10.0), charging(2, 10.0), charging(3, 10.0)
    outlets = outlet(1, priority=1), outlet(2), outlet(3)
    memory = Memory({}, {"main": CircuitMemory(good_at=999.0, over_since=(970.0, None, None))})
    seen = picture(*facts, outlets=outlets, circuits=(METERED,), readings=(reading(64.0, 40.0, 40.0),))
    decision = decided(seen, memory)
    assert why(decision, 2) == ("shed", "a circuit has been overloaded for too long; the lowest class waits")
    assert decision.connectors[1].planned_amps == 0.0 and decision.connectors[2].planned_amps > 0
    later = Memory({}, {"main": CircuitMemory(good_at=999.0, over_since=(960.0, None, None))})
    assert [each.planned_amps for each in decided(seen, later).connectors] == [0.0, 0.0, 0.0]


def test_the_overload_clock_stops_when_the_meter_says_so_and_only_then() -> None:
    memory = Memory({}, {"main": CircuitMemory(good_at=999.0, over_since=(990.0, 990.0, None))})
    after, _ = decide(picture(circuits=(METERED,), readings=(reading(64.0, 40.0, 70.0),)), memory)
    assert after.circuits["main"].over_since == (990.0, None, 1000.0)
    after, _ = decide(picture(circuits=(METERED,)), memory)
    assert after.circuits["main"].over_since == (990.0, 990.0, None)


@pytest.mark.parametrize(("fuse", "mode"), [(63.0, "bound"), (33.0, "floor")])
def test_without_a_meter_the_worst_background_is_assumed_and_told(fuse: float, mode: str) -> None:
    decision = decided(picture(NEW, circuits=(replace(METERED, limit_amps=(fuse,) * 3),)))
    assert decision.circuits[0].mode == mode and decision.circuits[0].measured_amps is None
    assert [alarm.kind for alarm in decision.alarms] == ["meter_missing"]


def test_the_newest_of_two_readings_counts() -> None:
    seen = picture(circuits=(METERED,), readings=(reading(10.0), reading(40.0, age=3.0)))
    assert decided(seen).circuits[0].measured_amps == (10.0, 10.0, 10.0)
    assert decided(replace(seen, readings=seen.readings[::-1])) == decided(seen)


def test_what_is_not_measured_above_is_at_least_what_is_assumed_below() -> None:
    below = Circuit("a", (40.0,) * 3, "main", metered=True, background_worst_amps=(9.0,) * 3)
    decision = decided(picture(circuits=(MAIN, below)))
    assert {each.name: each.background_amps[0] for each in decision.circuits} == {"main": 9.0, "a": 9.0}


def test_higher_class_then_dwell_then_less_energy_then_earlier_plug_goes_first() -> None:
    small = replace(MAIN, limit_amps=(8.0,) * 3)

    def chosen(*outlets_and_facts: object, memory: Memory | None = None) -> int:
        outlets, facts = outlets_and_facts[::2], outlets_and_facts[1::2]
        seen = picture(*facts, outlets=tuple(outlets), circuits=(small,))  # type: ignore[arg-type]
        (one,) = [each.connector for each in decided(seen, memory).connectors if each.planned_amps > 0]
        return one

    rich, poor = charging(1, 6.0), charging(2, 6.0, session=SessionFacts("one", 300.0, 500.0))
    assert chosen(outlet(1), rich, outlet(2), poor) == 2
    assert chosen(outlet(1, priority=1), rich, outlet(2), poor) == 1
    dwelling = remembering(c1=ConnectorMemory(admitted_since=500.0), c2=ConnectorMemory())
    assert chosen(outlet(1), rich, outlet(2), poor, memory=dwelling) == 1
    assert chosen(outlet(1), rich, outlet(2), replace(poor, session=SessionFacts("one", 300.0, 1000.0))) == 1
    awake = remembering(c1=ConnectorMemory(admitted_since=1.0), c2=ConnectorMemory(admitted_since=500.0))
    assert chosen(outlet(1, no_resume=True), rich, outlet(2), poor, memory=awake) == 1


def test_a_satisfied_car_keeps_its_least_of_what_is_left() -> None:
    memory = remembering(c1=ConnectorMemory(satisfied=True), c2=ConnectorMemory())
    resting = charging(1, 8.0, measured_amps=(0.0,) * 3)
    decision = decided(picture(resting, outlets=(outlet(),)), memory)
    assert why(decision) == ("satisfied", "its car takes nothing; it keeps 6 A as long as nobody needs them")
    decision = decided(picture(resting, charging(2, 20.0)), memory)
    assert decision.connectors[0].planned_amps == 0.0 and why(decision, 1)[0] == "installer"


def test_a_modest_car_is_told_so() -> None:
    memory = remembering(c1=ConnectorMemory(demand_amps=9.0, below_since=0.0))
    decision = decided(picture(charging(1, 16.0, measured_amps=(7.0,) * 3)), memory)
    assert why(decision)[0] == "demand" and decision.connectors[0].planned_amps == 9.0


def test_what_people_asked_for_by_profiles_of_their_own_is_not_exceeded() -> None:
    asked = charging(1, 16.0, asked_amps=10.0), charging(2, 16.0, asked_amps=0.0), charging(3, 16.0, asked_amps=20.0)
    roomy = replace(MAIN, limit_amps=(100.0,) * 3)
    decision = decided(picture(*asked, circuits=(roomy,), outlets=(outlet(1), outlet(2), outlet(3, max_amps=16.0))))
    assert [each.planned_amps for each in decision.connectors] == [10.0, 0.0, 16.0]
    assert sent(decision) == {1: ("decrease", 10.0), 2: ("decrease", 0.0)}
    assert why(decision, 1) == ("asked", "a charging profile that somebody set allows it no more than 10 A")
    assert (why(decision, 2)[0], why(decision, 3)[0]) == ("asked", "outlet")
    assert sent(decided(picture(replace(NEW, asked_amps=5.9)))) == {}


def test_phases_are_kept_even() -> None:
    uneven = replace(MAIN, unbalance_limit_amps=20.0, limit_amps=(63.0,) * 3)
    one_phase = outlet(1, phase_rotation="1"), outlet(2, phase_rotation="2"), outlet(3)
    facts = charging(1, 32.0), charging(2, 8.0, measured_amps=(8.0,)), charging(3, 10.0)
    decision = decided(picture(*facts, outlets=one_phase, circuits=(uneven,)))
    planned = [each.planned_amps for each in decision.connectors]
    assert planned[0] == 20.0 and planned[1] == 20.0
    assert why(decision, 1) == ("unbalance", "more would load the phases too unequally")
    assert sent(decision)[1] == ("decrease", 20.0)
    tight = replace(uneven, unbalance_limit_amps=3.3)
    lowered = decided(picture(charging(1, 32.0), outlets=(outlet(1, phase_rotation="1"),), circuits=(tight,)))
    assert lowered.connectors[0].planned_amps == 0.0
    odd = decided(picture(facts[0], outlets=(outlet(1, phase_rotation="1", min_amps=6.2),),
                          circuits=(replace(uneven, unbalance_limit_amps=6.4),)))  # fmt: skip
    assert odd.connectors[0].planned_amps == 6.2
    modest = outlet(1, phase_rotation="1"), outlet(2, phase_rotation="2", max_amps=8.0)
    one_lowered = decided(picture(*facts[:2], outlets=modest, circuits=(uneven,)))
    assert [each.planned_amps for each in one_lowered.connectors] == [20.0, 8.0]


def test_eco_cars_charge_from_surplus_alone_with_patience() -> None:
    eco = outlet(eco=True)
    sunny = picture(NEW, outlets=(eco,), circuits=(METERED,), readings=(reading(-8.0),))
    memory, decision = decide(sunny, Memory())
    assert decision.sends == () and why(decision) == ("surplus", "it charges from surplus alone, and there is no more")
    memory, decision = decide(replace(sunny, at_seconds=1060.0), memory)
    assert sent(decision) == {1: ("start", 8.0)} and why(decision)[0] == "surplus"
    cloudy = replace(
        picture(charging(1, 8.0), outlets=(eco,), circuits=(METERED,), readings=(reading(20.0),)), at_seconds=1070.0
    )
    memory, decision = decide(cloudy, memory)
    assert decision.connectors[0].planned_amps == 6.0
    assert sent(decision) == {}  # it has just begun
    memory, decision = decide(replace(cloudy, at_seconds=1249.0), memory)
    assert sent(decision) == {1: ("decrease", 6.0)}
    memory, decision = decide(replace(cloudy, at_seconds=1250.0), memory)
    assert decision.connectors[0].planned_amps == 0.0 and not memory.surplus.on
    memory, _ = decide(replace(cloudy, readings=(), at_seconds=1251.0), Memory(surplus=SurplusMemory(on=True)))
    assert memory.surplus.lacking_since == 1251.0


def test_what_was_sent_is_remembered_and_admission_is_timed() -> None:
    memory, _ = decide(picture(NEW), Memory())
    known = memory.connectors["CP/1"]
    assert (known.cap_amps, known.changed_at, known.sent_at, known.admitted_since) == (31.5, 1000.0, 1000.0, 1000.0)
    assert known.writes_left == 19.0
    aged = charging(1, 10.0, lease=lease(10.0, first_end_in_seconds=200.0))
    memory, decision = decide(picture(aged, outlets=(outlet(max_amps=10.0),)), Memory())
    assert only(decision).kind == "renew" and memory.connectors["CP/1"].changed_at is None
    assert memory.connectors["CP/1"].writes_left == 20.0


def test_the_limit_of_a_mode_b_connector_is_taken_back_when_its_session_is_over_and_others_need_it() -> None:
    kept = charging(1, 20.0, session=None, measured_amps=(0.0,) * 3)
    seen = picture(kept, replace(NEW, connector=2), outlets=(outlet(1, mode="B"), outlet(2)))
    assert sent(decided(seen)) == {1: ("decrease", 0.0), 2: ("start", 11.5)}
    assert sent(decided(replace(seen, connectors=(kept,)))) == {}


def test_a_lease_that_has_run_out_is_no_limit() -> None:
    decision = decided(picture(charging(1, lease=lease(0.0, ends_in_seconds=-1.0, first_end_in_seconds=-1.0))))
    assert decision.connectors[0].worst_amps >= 6.0


def test_a_session_without_any_limit_gets_one_before_its_hold_is_over() -> None:
    full = replace(MAIN, limit_amps=(5.0,) * 3)
    waiting = replace(NEW, session=SessionFacts("one", 301.0))
    decision = decided(picture(waiting, circuits=(full,)))
    assert sent(decision) == {1: ("renew", 0.0)} and only(decision).lease_seconds == 1200.0


def test_pictures_memories_and_decisions_survive_json() -> None:
    seen = picture(charging(1), NEW, circuits=(METERED,), readings=(reading(10.0, None, 3.0),))
    memory, decision = decide(seen, Memory())
    for noun in (seen, memory, decision):
        assert msgspec.json.decode(msgspec.json.encode(noun), type=type(noun)) == noun


def test_without_a_meter_the_cars_own_currents_tell_of_an_overload() -> None:
    wild = charging(1, 20.0), charging(2, 17.0)
    after, _ = decide(picture(*wild), Memory())
    assert after.circuits["main"].over_since == (1000.0,) * 3, "37 A of 32 A"
    bearable = charging(1, 20.0), charging(2, 16.0)
    after, _ = decide(picture(*bearable), after)
    assert after.circuits["main"].over_since == (None,) * 3, "36 A: stations measure no better"
    unmeasured = charging(1, 20.0), charging(2, 17.0, measured_amps=None)
    after, _ = decide(picture(*unmeasured), Memory())
    assert after.circuits["main"].over_since == (None,) * 3
    silent_meter = picture(*(charging(number, 32.0) for number in (1, 2, 3)), circuits=(METERED,))
    after, _ = decide(silent_meter, Memory())
    assert after.circuits["main"].over_since == (1000.0,) * 3


def test_of_cars_that_cannot_be_limited_one_after_another_is_stopped() -> None:
    outlets = outlet(1, mode="D", priority=1), outlet(2, mode="D"), outlet(3, mode="D")
    facts = charging(1, 20.0, lease=None), charging(2, 20.0, lease=None), charging(3, 0.0, lease=None)
    seen = picture(*facts, outlets=outlets)
    stops = [
        decided(seen, Memory({}, {"main": CircuitMemory(over_since=(since, None, None))})).stops
        for since in (941.0, 940.0, 910.0, 600.0)
    ]
    assert [[stop.connector for stop in each] for each in stops] == [[], [2], [2, 1], [2, 1]]
    assert stops[1][0].reason == "its station follows no limit and a circuit is overloaded"
