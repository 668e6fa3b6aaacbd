"""Why a connector has its limit, in words: every state that a connector can be in is told, and none wrongly."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.model.circuits import Circuit, Outlet, TemporaryLimit
from gateway.model.instants import SECOND, Instant
from gateway.model.load_decision import Decision, Stop
from gateway.model.load_memory import ConnectorMemory, Memory
from gateway.model.site_picture import ConnectorFacts, SitePicture
from gateway.rules.balance import decide
from gateway.rules.limit_reasons import Seen, connectors_of, one_to_explain, others_on_row, reason_of_limit
from tests.unit.rules.load_pictures import METERED, charging, lease, outlet, picture, reading

AT = 1000.0
IDLE = ConnectorFacts("CP", 1, connected=True)


def seen(shown: SitePicture, memory: Memory | None = None, connector: int = 1) -> Seen:
    before = memory or Memory()
    return next(one for one in connectors_of(shown, decide(shown, before)[1], "CP") if one.each.connector == connector)


def words(shown: SitePicture, memory: Memory | None = None, connector: int = 1) -> str:
    return reason_of_limit(seen(shown, memory, connector))


def test_a_charging_car_with_all_that_its_outlet_gives() -> None:
    text = words(picture(charging(amps=32.0), circuits=(replace(METERED, metered=False),)))
    assert text == (
        "CP connector 1 may draw 32 A. Why: it has all that the outlet gives: 32 A. It drew 32 A 0 s ago. "
        "Its station has accepted 32 A until 1970-01-01T00:25:00.000Z; 6 A hold after that."
    )


def test_the_circuit_its_phase_whose_limit_and_who_shares() -> None:
    facts = [charging(number, amps=8.0) for number in range(1, 8)]
    away = ConnectorFacts("CP", 8, connected=False)
    text = words(picture(*facts, away, circuits=(Circuit("main", (70.0, 64.0, 70.0)),)))
    assert "Why: main, phase 2 is shared by 7: of 64 A (installer), 0.0 A are not managed." in text
    assert "Others there: CP/2 8 A, CP/3 8 A, CP/4 8 A, CP/5 8 A and 2 more. 6 A are kept there for 1 without" in text
    assert "planned for it" not in text


def test_a_share_that_is_not_reached_yet() -> None:
    facts = charging(1, amps=30.0), charging(2, amps=None, measured_amps=None)
    text = words(picture(*facts), connector=2)
    assert text.startswith("CP connector 2 is paused: it may draw 0 A. 15.5 A are planned for it, and reached step by")
    assert "told so" not in text
    assert words(picture(*facts)).startswith("CP connector 1 may draw 15.5 A. It is told so this moment. Why: ")


def test_a_paused_car_is_told_to_be_paused() -> None:
    facts = charging(amps=None, measured_amps=None)
    text = words(picture(facts, circuits=(Circuit("main", (5.0, 5.0, 5.0)),)))
    assert text.startswith("CP connector 1 is paused: it may draw 0 A. Why: main, phase 1 has no room for the 6 A")
    assert "What it draws is not known. Its station has accepted no limit for this session yet." in text


def test_whoever_limits_for_a_time_is_named_with_the_end() -> None:
    until = Instant(2000 * SECOND)
    dso = TemporaryLimit("main", (10.0, 10.0, 10.0), "dso", until)
    over, other = replace(dso, until=Instant(5)), replace(dso, circuit="other")
    text = words(picture(charging(), limits=(dso, over, other)))
    assert text.count("The limit of dso for main holds until") == 1
    assert "The limit of dso for main holds until 1970-01-01T00:33:20.000Z." in text
    text = words(picture(charging(), limits=(replace(dso, until=None),)))
    assert "The limit of dso for main holds until it is taken away." in text


@pytest.mark.parametrize(
    ("facts", "changes", "begin"),
    [
        (charging(), {"mode": "D"}, "CP connector 1 cannot be limited: its station follows no limit. 32 A are kept"),
        (IDLE, {"mode": "D"}, "CP connector 1 cannot be limited: its station follows no limit. 32 A are kept"),
        (IDLE, {}, "CP connector 1 has no session. A car that comes may draw 0 A until it is given its share."),
        (charging(connected=False), {}, "CP connector 1 is not connected: 16 A are kept free for it"),
    ],
)
def test_who_has_no_share_is_told_nothing_else(facts: ConnectorFacts, changes: dict[str, object], begin: str) -> None:
    dso = TemporaryLimit("main", (20.0, 20.0, 20.0), "dso")
    text = words(picture(facts, outlets=(outlet(**changes),), limits=(dso,)))
    assert text.startswith(begin) and "Why" not in text and "holds" not in text and "accepted" not in text
    assert ("It drew 16 A 0 s ago." in text) == (changes == {"mode": "D"} and facts.session is not None)


def test_a_connector_of_which_nothing_is_known() -> None:
    assert words(picture(outlets=(outlet(),))).startswith("CP connector 1 is not connected: 6 A are kept free for it")


@pytest.mark.parametrize(
    ("changes", "told", "not_told"),
    [
        ({"pending_amps": 20.0}, "It has not answered yet to 20 A.", "refused"),
        ({"refused": True, "pending_amps": 20.0}, "It refused the newest limit.", "not answered yet"),
        ({"first_end_in_seconds": -5.0}, "has run out: its station may have fallen back to 6 A.", "has accepted"),
        ({"accepted_amps": None, "pending_amps": 9.0}, "It has not answered yet to 9 A.", "has accepted"),
    ],
)
def test_what_is_known_of_the_lease(changes: dict[str, object], told: str, not_told: str) -> None:
    text = words(picture(charging(lease=lease(16.0, **changes))))
    assert told in text and not_told not in text


def test_a_station_that_never_accepted_its_fallback_falls_back_to_all_it_can() -> None:
    assert "; 32 A hold after that." in words(picture(charging(fallback_confirmed=False)))


def test_defiant_satisfied_and_asked_in_words() -> None:
    drawing = charging(measured_amps=(25.0,) * 3)
    memory = Memory({"CP/1": ConnectorMemory(session="one", defiant=True, cap_amps=16.0, old_cap_amps=16.0)})
    assert "Why: it draws more than its limit of 16 A; 25 A are kept for it." in words(picture(drawing), memory)
    memory = Memory({"CP/1": ConnectorMemory(session="one", satisfied=True, cap_amps=16.0, old_cap_amps=16.0)})
    resting = charging(measured_amps=(0.0,) * 3)
    assert "Why: its car takes nothing; it keeps 6 A as long as nobody needs them." in words(picture(resting), memory)
    assert "a charging profile that somebody set allows it no more than 8 A" in words(picture(charging(asked_amps=8.0)))


@pytest.mark.parametrize(
    ("trust", "age", "background", "told"),
    [
        ("good", 1.0, 30.0, None),
        ("suspect", 1.0, 30.0, "The meter of main gives nothing that can be believed: the worst unmanaged load"),
        ("suspect", 1.0, 60.0, "leaves too little even for fallbacks."),
    ],
)
def test_a_meter_that_is_not_believed_is_told(trust: str, age: float, background: float, told: str | None) -> None:
    circuit = replace(METERED, background_worst_amps=(background,) * 3)
    elsewhere = replace(METERED, name="other")
    read = reading(20.0, age=age, trust=trust)
    text = words(picture(charging(), circuits=(circuit, elsewhere), readings=(read,)))
    assert (told or "") in text and ("The meter of main" in text) == (told is not None) and "of other" not in text


def test_a_session_that_is_being_stopped() -> None:
    one = seen(picture(charging(1), charging(2)))
    stops = (Stop("CP", 2, "no"), Stop("CP", 1, "it ignores its limit"))
    decision = replace(one.decision, stops=stops)
    assert reason_of_limit(replace(one, decision=decision)).endswith(
        "Its session is being stopped: it ignores its limit."
    )


def test_the_lowest_connector_with_a_session_is_meant_else_the_lowest() -> None:
    def meant(*facts: ConnectorFacts) -> int:
        shown = picture(*facts, outlets=(outlet(10), outlet(2), outlet(1), outlet(3)))
        return one_to_explain(connectors_of(shown, decide(shown, Memory())[1], "CP")).each.connector

    assert meant(charging(10), charging(2), IDLE) == 2
    assert meant(IDLE) == 1
    assert connectors_of(picture(), Decision((), (), (), (), ()), "CP") == ()


def test_others_are_those_that_load_the_binding_phase_of_the_binding_circuit() -> None:
    circuits = (
        Circuit("main", (100.0, 100.0, 100.0)),
        Circuit("row", (24.0, 20.0, 24.0), parent="main"),
        Circuit("far", (24.0, 24.0, 24.0), parent="main"),
    )
    outlets = (
        *(outlet(number, circuit="row") for number in (1, 2)),
        outlet(3, circuit="row", phase_rotation="1"),
        outlet(4, circuit="far"),
        Outlet("OFF", 1, "row"),
        outlet(5, circuit="row"),
    )
    facts = (charging(1, 8.0), charging(2, 7.0), charging(3, 4.0), charging(4, 8.0), replace(IDLE, connector=5))
    one = seen(picture(*facts, outlets=outlets, circuits=circuits))
    assert (one.each.binding.circuit, one.each.binding.phase) == ("row", 2)
    assert [(other.station, other.connector) for other in others_on_row(one)] == [("CP", 2), ("OFF", 1)]
