"""Changing between one line and three: when, in which order, and what is assumed meanwhile."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.model.circuits import Circuit
from gateway.model.load_decision import Decision
from gateway.model.load_memory import ConnectorMemory, Memory
from gateway.model.site_picture import ConnectorFacts, LeaseFacts, SitePicture
from gateway.rules.balance import decide
from gateway.rules.phase_switching import is_switching, settled_lines
from gateway.rules.safe_assumptions import used_lines
from tests.unit.rules.load_pictures import charging, decided, lease, only, outlet, picture, sent

SWITCHING = outlet(switches_phases=True, fallback_amps=0.0)
FULL = Circuit("main", (32.0, 32.0, 4.0))  # no room on phase 3
WIDE = Circuit("main", (32.0, 32.0, 32.0))
PAUSED = charging(1, 0.0)
TOLD_ONE = ConnectorMemory("one", cap_amps=0.0, number_phases=1, switched_at=900.0, changed_at=900.0)
ON_ONE = TOLD_ONE._replace(single_since=950.0, changed_at=900.0)


def remembering(memory: ConnectorMemory) -> Memory:
    """The memory of connector 1."""
    return Memory({"CP/1": memory})


def seen(facts: ConnectorFacts = PAUSED, circuit: Circuit = FULL, at: float = 1000.0, **changes: object) -> SitePicture:
    """The connector on its circuit."""
    return picture(facts, outlets=(replace(SWITCHING, **changes),), circuits=(circuit,), at=at)  # type: ignore[arg-type]


def accepted(amps: float, age: float, **changes: object) -> LeaseFacts:
    """A limit accepted so long ago."""
    return lease(amps, accepted_age_seconds=age, **changes)


def lines_told(decision: Decision) -> list[int | None]:
    """By send."""
    return [send.number_phases for send in decision.sends]


def test_a_paused_car_without_room_on_three_lines_changes_to_one_at_0_amperes() -> None:
    send = only(decided(seen()))
    assert (send.kind, send.amps, send.number_phases) == ("decrease", 0.0, 1)
    assert send.reason == "it is to charge on one phase, and changes over at 0 A"


def test_a_charging_car_is_paused_first() -> None:
    decision = decided(seen(charging(1, 6.0)))
    assert sent(decision) == {1: ("decrease", 0.0)} and lines_told(decision) == [None]


@pytest.mark.parametrize(
    "changes",
    [{"switches_phases": False}, {"fallback_amps": 6.0}, {"phase_rotation": "13"}, {"mode": "D"}],
)
def test_an_outlet_that_cannot_or_gains_nothing_does_not_change(changes: dict[str, object]) -> None:
    facts = replace(PAUSED, lease=lease(0.0, accepted_age_seconds=100.0))
    assert lines_told(decided(seen(facts, **changes))) in ([], [None])


@pytest.mark.parametrize(
    "memory",
    [
        ConnectorMemory("one", cap_amps=0.0, lines=(2,)),
        ConnectorMemory("one", cap_amps=0.0, satisfied=True),
        ConnectorMemory("one", cap_amps=0.0, switch_failed=True),
        ConnectorMemory("one", cap_amps=0.0, number_phases=3, switched_at=701.0),
    ],
)
def test_a_car_that_would_not_gain_has_failed_or_changed_just_now_stays(memory: ConnectorMemory) -> None:
    assert decided(seen(), remembering(memory)).sends == ()


def test_it_changes_again_five_minutes_after_the_last_time() -> None:
    memory = ConnectorMemory("one", cap_amps=0.0, number_phases=3, switched_at=700.0)
    assert lines_told(decided(seen(), remembering(memory))) == [1]


def test_without_room_on_the_first_line_or_an_unconfirmed_fallback_nothing_changes() -> None:
    assert decided(seen(circuit=replace(FULL, limit_amps=(9.0, 32.0, 4.0)))).sends == ()
    assert 1 not in lines_told(decided(seen(replace(PAUSED, fallback_confirmed=False))))


def test_room_for_one_is_not_given_to_two() -> None:
    outlets = SWITCHING, replace(SWITCHING, connector=2)
    small = replace(FULL, limit_amps=(15.0, 32.0, 4.0))
    facts = PAUSED, replace(PAUSED, connector=2)
    assert lines_told(decided(picture(*facts, outlets=outlets, circuits=(small,)))) == [1]


def test_an_unanswered_limit_or_a_recent_change_delays_it() -> None:
    waiting = replace(PAUSED, lease=lease(0.0, pending_amps=0.0, pending_age_seconds=1.0))
    assert decided(seen(waiting)).sends == ()
    assert decided(seen(), remembering(ConnectorMemory("one", cap_amps=0.0, changed_at=971.0))).sends == ()


def test_all_lines_count_until_0_amperes_on_one_are_accepted_and_settled() -> None:
    for age, on_one in ((9.0, False), (10.0, True), (100.0, False)):  # the last was accepted before the change
        facts = replace(PAUSED, lease=accepted(0.0, age))
        memory, decision = decide(seen(facts), remembering(TOLD_ONE))
        assert (memory.connectors["CP/1"].single_since is not None) == on_one
        assert decision.connectors[0].phases == ((1,) if on_one else (1, 2, 3))
        assert sent(decision) == ({1: ("start", 31.5)} if on_one else {}), age
        assert lines_told(decision) == ([1] if on_one else [])
    pending = replace(PAUSED, lease=accepted(0.0, 20.0, pending_amps=0.0))
    assert decide(seen(pending), remembering(TOLD_ONE))[0].connectors["CP/1"].single_since is None


def test_nothing_is_raised_before_the_change_is_made() -> None:
    facts = replace(PAUSED, lease=accepted(0.0, 5.0))
    memory = TOLD_ONE._replace(switched_at=990.0, changed_at=900.0)
    assert decided(seen(facts, WIDE), remembering(memory)).sends == ()
    assert is_switching(memory) and not is_switching(ON_ONE) and not is_switching(ConnectorMemory())


def test_it_goes_back_after_three_lines_had_room_for_ten_minutes() -> None:
    facts = charging(1, 16.0, measured_amps=(16.0, 0.0, 0.0))
    on_one = ON_ONE._replace(switched_at=100.0, single_since=150.0, cap_amps=16.0, old_cap_amps=16.0)
    memory, decision = decide(seen(facts, WIDE), remembering(on_one))
    assert memory.connectors["CP/1"].three_fit_since == 1000.0 and decision.connectors[0].phases == (1,)
    for since, told in ((401.0, []), (400.0, [3])):
        decision = decided(seen(facts, WIDE), remembering(on_one._replace(three_fit_since=since)))
        assert [n for n in lines_told(decision) if n == 3] == told
    assert (only(decision).amps, only(decision).kind) == (0.0, "decrease")
    assert (
        decide(seen(facts), remembering(on_one._replace(three_fit_since=1.0)))[0].connectors["CP/1"].three_fit_since
        is None
    )  # phase 3 has no room


def test_a_car_that_does_not_wake_after_a_pause_stays_on_its_line_once_started() -> None:
    facts = charging(1, 16.0, measured_amps=(16.0, 0.0, 0.0))
    memory = ON_ONE._replace(
        switched_at=100.0, single_since=150.0, cap_amps=16.0, three_fit_since=1.0, admitted_since=200.0
    )
    assert 3 in lines_told(decided(seen(facts, WIDE), remembering(memory)))
    assert 3 not in lines_told(decided(seen(facts, WIDE, no_resume=True), remembering(memory)))


def test_one_line_counts_until_0_amperes_on_three_have_settled() -> None:
    back = ON_ONE._replace(number_phases=3, switched_at=900.0)
    for age, phases in ((9.0, (1,)), (10.0, (1, 2, 3))):
        facts = replace(PAUSED, lease=accepted(0.0, age))
        assert decided(seen(facts, WIDE), remembering(back)).connectors[0].phases == phases


def test_a_paused_car_on_one_line_looks_at_the_room_of_all() -> None:
    facts = replace(PAUSED, lease=accepted(0.0, 50.0))
    narrow = replace(WIDE, limit_amps=(4.0, 32.0, 32.0))
    memory, decision = decide(seen(facts, narrow), remembering(ON_ONE))
    assert memory.connectors["CP/1"].three_fit_since is None and decision.sends == ()


def test_a_refusal_ends_it_for_the_session_and_keeps_the_lines_it_is_on() -> None:
    refused = replace(PAUSED, lease=lease(0.0, refused=True))
    kept = settled_lines(SWITCHING, refused, TOLD_ONE, worst=0.0, at=1000.0)
    assert (kept.number_phases, kept.switch_failed) == (None, True)
    kept = settled_lines(SWITCHING, refused, ON_ONE._replace(number_phases=3), worst=0.0, at=1000.0)
    assert (kept.number_phases, kept.switch_failed, kept.single_since) == (1, True, 950.0)


def test_a_current_on_a_further_line_ends_it() -> None:
    facts = charging(1, 16.0, measured_amps=(16.0, 16.0, 0.0), measured_age_seconds=2.0)
    memory, decision = decide(seen(facts, WIDE), remembering(ON_ONE._replace(cap_amps=16.0)))
    known = memory.connectors["CP/1"]
    assert (known.switch_failed, known.single_since, known.number_phases) == (True, None, None)
    assert decision.connectors[0].phases == (1, 2, 3)
    for harmless in (
        replace(facts, measured_amps=(16.0, 0.5, 0.0)),
        replace(facts, measured_age_seconds=50.0),  # of before
        replace(facts, measured_amps=None),
    ):
        assert settled_lines(SWITCHING, harmless, ON_ONE, worst=16.0, at=1000.0).single_since == 950.0


def test_without_a_confirmed_fallback_or_facts_all_lines_count() -> None:
    assert used_lines(SWITCHING, PAUSED, ON_ONE) == (0,)
    assert used_lines(SWITCHING, replace(PAUSED, fallback_confirmed=False), ON_ONE) == (0, 1, 2)
    assert used_lines(SWITCHING, None, ON_ONE) == (0, 1, 2)
    assert settled_lines(SWITCHING, None, ON_ONE, worst=0.0, at=0.0) is ON_ONE


def test_one_line_teaches_nothing_of_the_others() -> None:
    facts = charging(1, 16.0, measured_amps=(16.0, 0.0, 0.0))
    on_one = ON_ONE._replace(drawing_since=1.0, cap_amps=16.0)
    assert decide(seen(facts, WIDE), remembering(on_one))[0].connectors["CP/1"].lines is None


def test_all_limits_of_a_car_on_one_line_say_so() -> None:
    facts = charging(1, 16.0, measured_amps=(16.0, 0.0, 0.0), lease=lease(16.0, first_end_in_seconds=250.0))
    decision = decided(
        seen(facts, replace(FULL, limit_amps=(16.6, 32.0, 4.0))), remembering(ON_ONE._replace(cap_amps=16.0))
    )
    assert (only(decision).kind, only(decision).number_phases) == ("renew", 1)


def test_while_anything_may_be_drawn_nothing_counts_as_changed() -> None:
    facts = replace(PAUSED, lease=accepted(0.0, 50.0))
    assert settled_lines(SWITCHING, facts, TOLD_ONE, worst=16.0, at=1000.0) is TOLD_ONE
    assert settled_lines(SWITCHING, facts, TOLD_ONE, worst=0.0, at=1000.0).single_since == 1000.0
