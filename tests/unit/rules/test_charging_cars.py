"""What a car's behaviour teaches, second by second."""

from __future__ import annotations

from dataclasses import replace

from gateway.model.load_memory import ConnectorMemory
from gateway.model.site_picture import ConnectorFacts, SessionFacts
from gateway.rules.charging_cars import least_amps, most_amps, observe_car
from tests.unit.rules.load_pictures import charging, lease, outlet

OUTLET = outlet()


def watched(facts: ConnectorFacts, seconds: int, memory: ConnectorMemory | None = None) -> ConnectorMemory:
    """The memory after so many seconds of the same facts."""
    memory = ConnectorMemory() if memory is None else memory
    for second in range(seconds + 1):
        memory = observe_car(OUTLET, facts, memory, hold=1200.0, at=float(second))
    return memory


def drawing(*amps: float, cap: float = 16.0, status: str = "Charging") -> ConnectorFacts:
    """A car that draws so much on its lines, with this limit."""
    return charging(measured_amps=amps, lease=lease(cap), status=status)


def test_nothing_known_nothing_learned() -> None:
    memory = ConnectorMemory(session="x")
    assert observe_car(OUTLET, None, memory, hold=1200.0, at=0.0) is memory


def test_lines_are_learned_after_a_minute_and_added_to_at_once() -> None:
    assert watched(drawing(16.0, 0.0, 0.0), 59).lines is None
    memory = watched(drawing(16.0, 0.0, 0.0), 60)
    assert memory.lines == (0,)
    assert watched(drawing(16.0, 0.0, 16.0), 0, memory).lines == (0, 2)
    assert watched(drawing(0.0, 0.0, 0.0), 0, memory).lines == (0,)


def test_a_modest_car_gives_back_what_it_does_not_take_until_it_wants_it() -> None:
    assert watched(drawing(10.0, 0.0, 0.0), 74).demand_amps is None
    memory = watched(drawing(10.0, 0.0, 0.0), 75)
    assert memory.demand_amps == 12.0 and most_amps(OUTLET, memory) == 12.0
    assert watched(drawing(10.0, 0.0, 0.0, cap=12.0), 1, memory).demand_amps == 12.0
    assert watched(drawing(11.5, 0.0, 0.0, cap=12.0), 0, memory).demand_amps is None
    assert most_amps(OUTLET, ConnectorMemory()) == 32.0


def test_an_idle_car_is_tried_with_8_amperes_and_then_is_satisfied() -> None:
    assert watched(drawing(0.0, 0.0, 0.0, cap=6.0), 119).min_amps == 0.0
    memory = watched(drawing(0.0, 0.0, 0.0, cap=6.0), 120)
    assert (memory.min_amps, memory.satisfied, least_amps(OUTLET, memory)) == (8.0, False, 8.0)
    assert not watched(drawing(0.0, 0.0, 0.0, cap=6.0), 200, memory).satisfied  # not offered yet
    assert not watched(drawing(0.0, 0.0, 0.0, cap=8.0), 89, memory).satisfied
    memory = watched(drawing(0.0, 0.0, 0.0, cap=8.0), 90, memory)
    assert memory.satisfied
    assert watched(drawing(0.0, 0.0, 0.0, cap=8.0), 1, memory).satisfied
    assert not watched(drawing(6.0, 0.0, 0.0, cap=8.0), 0, memory).satisfied


def test_a_car_that_says_it_is_suspended_is_tried_sooner_and_one_with_plenty_is_satisfied_at_once() -> None:
    suspended = drawing(0.0, 0.0, 0.0, cap=6.0, status="SuspendedEV")
    assert watched(suspended, 60).min_amps == 8.0
    assert watched(drawing(0.0, 0.0, 0.0), 90).satisfied


def test_only_time_with_8_amperes_counts_for_a_car_to_be_satisfied() -> None:
    """A car that needs 8 A stopped at 7.5; a little more comes before it was tried, and it needs time to begin."""
    memory = watched(drawing(0.0, 0.0, 0.0, cap=7.5), 85)
    later = drawing(0.0, 0.0, 0.0, cap=8.5)
    for second in range(86, 176):
        memory = observe_car(OUTLET, later, memory, hold=1200.0, at=float(second))
        assert not memory.satisfied, second
    assert observe_car(OUTLET, later, memory, hold=1200.0, at=176.0).satisfied
    lowered = observe_car(OUTLET, drawing(0.0, 0.0, 0.0, cap=7.5), memory, hold=1200.0, at=176.0)
    assert (lowered.satisfied, lowered.min_amps) == (False, 8.0)


def test_a_satisfied_car_that_has_got_next_to_nothing_is_asked_again_after_half_an_hour() -> None:
    satisfied = watched(drawing(0.0, 0.0, 0.0), 90)
    paused = replace(drawing(0.0, 0.0, 0.0, cap=0.0), session=SessionFacts("one", 2000.0, 200.0))
    full = charging(measured_amps=(0.0,) * 3, lease=lease(0.0))
    assert observe_car(OUTLET, paused, satisfied, hold=1200.0, at=1889.0).satisfied
    assert not observe_car(OUTLET, paused, satisfied, hold=1200.0, at=1890.0).satisfied
    assert observe_car(OUTLET, full, satisfied, hold=1200.0, at=9000.0).satisfied


def test_a_paused_car_is_neither_idle_nor_satisfied() -> None:
    memory = watched(drawing(0.0, 0.0, 0.0, cap=0.0), 500)
    assert memory.idle_since is None and not memory.satisfied
    unlimited = charging(measured_amps=(0.0,) * 3, amps=None)
    assert not watched(unlimited, 500).satisfied


def test_a_car_above_its_limit_is_defiant_until_it_obeys_for_a_minute() -> None:
    assert not watched(drawing(7.5, 0.0, 0.0, cap=6.0), 100).defiant  # within the tolerance
    assert not watched(drawing(16.0, 0.0, 0.0, cap=6.0), 19).defiant
    memory = watched(drawing(16.0, 0.0, 0.0, cap=6.0), 20)
    assert memory.defiant
    calm = drawing(6.0, 0.0, 0.0, cap=6.0)
    memory = observe_car(OUTLET, calm, memory, hold=1200.0, at=100.0)
    assert observe_car(OUTLET, calm, memory, hold=1200.0, at=159.0).defiant
    assert not observe_car(OUTLET, calm, memory, hold=1200.0, at=160.0).defiant
    assert not observe_car(OUTLET, charging(session=None), memory, hold=1200.0, at=101.0).defiant


def test_what_is_not_measured_accuses_nobody_and_mode_d_never_obeys() -> None:
    memory = ConnectorMemory(session="one", excess_since=0.0)
    assert watched(charging(measured_amps=None), 0, memory).excess_since is None
    unlimited = observe_car(outlet(mode="D"), drawing(40.0, 0.0, 0.0), memory, hold=1200.0, at=99.0)
    assert not unlimited.defiant


def test_another_session_begins_anew_but_the_stations_flash_remembers() -> None:
    before = ConnectorMemory("zero", lines=(0,), satisfied=True, cap_amps=10.0, changed_at=5.0, writes_left=3.0)
    fresh = observe_car(OUTLET, charging(amps=None), before, hold=1200.0, at=10.0)
    assert (fresh.session, fresh.lines, fresh.cap_amps, fresh.writes_left) == ("one", None, None, 3.0)
    kept = observe_car(outlet(mode="B"), charging(lease=lease(10.0)), before, hold=1200.0, at=10.0)
    assert (kept.cap_amps, kept.changed_at) == (10.0, 5.0)
    ended = observe_car(OUTLET, charging(session=None, amps=None), before, hold=1200.0, at=10.0)
    assert ended.session == ""
