"""The worst case of a connector and of a configuration, case by case."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.model.circuits import Circuit, Outlet, mistakes_of_site, supply_phases
from gateway.model.load_memory import ConnectorMemory
from gateway.model.site_picture import ConnectorFacts, LeaseFacts, SessionFacts
from gateway.rules.safe_assumptions import (
    check_fallbacks,
    draw_bounds,
    drawn_amps,
    falling_lease_seconds,
    hold_seconds,
    still_followed_amps,
    worst_amps,
)
from tests.unit.rules.load_pictures import charging, lease, outlet

IDLE = ConnectorFacts("CP", 1, connected=True)
YOUNG = SessionFacts("one", 20.0)
OLD = SessionFacts("one", 1190.0)
FRESH = ConnectorMemory()


@pytest.mark.parametrize(
    ("facts", "changes", "expected"),
    [
        (None, {}, 6.0),  # never heard of: the installer's word
        (IDLE, {"mode": "D"}, 32.0),
        (IDLE, {}, 0.0),  # a new session would be held at 0 A
        (IDLE, {"starts_at_zero": False}, 6.0),
        (replace(IDLE, fallback_confirmed=False), {}, 32.0),
        (replace(IDLE, measured_amps=(9.0, 0.0, 0.0)), {}, 9.0),  # draws without a session
        (replace(IDLE, lease=lease(16.0)), {"mode": "B"}, 16.0),  # its limit outlives the session
        (charging(amps=None, session=YOUNG), {}, 0.0),
        (charging(amps=None, session=OLD), {}, 6.0),  # the hold may be over on the station's clock
        (charging(amps=None, session=YOUNG), {"starts_at_zero": False}, 6.0),
        (charging(amps=16.0), {}, 16.0),
        (charging(amps=60.0), {}, 32.0),
        (charging(lease=lease(10.0, pending_amps=20.0)), {}, 20.0),  # raised, not confirmed
        (charging(lease=lease(20.0, pending_amps=10.0)), {}, 20.0),  # lowered, not confirmed
        (charging(lease=lease(None, pending_amps=3.0)), {}, 6.0),  # S4: after a restart, ledger or fallback
        (charging(lease=lease(12.0, accepted_age_seconds=0.0)), {}, 32.0),  # and accepted since: it comes from anywhere
        (charging(lease=lease(12.0, accepted_age_seconds=10.0)), {}, 12.0),
        (charging(lease=lease(0.0, first_end_in_seconds=29.0)), {}, 6.0),  # the lease may be over already
        (charging(connected=False, lease=lease(16.0)), {}, 16.0),  # S5: until the lease has run out
        (charging(connected=False, lease=lease(None, pending_amps=16.0)), {}, 16.0),
        (charging(connected=False, lease=lease(0.0)), {}, 6.0),
        (charging(connected=False, lease=lease(16.0, ends_in_seconds=-31.0)), {}, 6.0),
        (charging(connected=False, amps=None), {}, 6.0),
    ],
)
def test_worst_case_of_a_connector(facts: ConnectorFacts | None, changes: dict[str, object], expected: float) -> None:
    assert worst_amps(outlet(**changes), facts, FRESH, 1200.0) == expected


def test_a_first_limit_that_is_not_confirmed_counts_alone_while_the_hold_lasts() -> None:
    facts = charging(lease=lease(None, pending_amps=3.0))
    assert worst_amps(outlet(), facts, ConnectorMemory(cap_amps=3.0), 1200.0) == 3.0


def test_a_defiant_car_counts_as_what_it_draws() -> None:
    facts = charging(lease=lease(6.0), measured_amps=(20.0, 20.0, 20.0))
    assert worst_amps(outlet(), facts, ConnectorMemory(defiant=True), 1200.0) == 20.0
    assert worst_amps(outlet(), replace(facts, measured_amps=None), ConnectorMemory(defiant=True), 1200.0) == 6.0


def test_a_higher_limit_is_followed_until_the_lower_one_has_settled() -> None:
    memory = ConnectorMemory(old_cap_amps=20.0)
    assert still_followed_amps(charging(lease=lease(6.0, accepted_age_seconds=9.0)), memory) == 20.0
    assert still_followed_amps(charging(lease=lease(6.0, accepted_age_seconds=10.0)), memory) == 6.0
    assert still_followed_amps(charging(lease=lease(None, pending_amps=6.0)), memory) == 20.0
    assert still_followed_amps(charging(amps=None), memory) == still_followed_amps(None, memory) == 0.0


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (None, None),
        (charging(measured_amps=None), None),
        (charging(measured_age_seconds=31.0), None),
        (charging(measured_amps=(5.0,)), None),  # not all of its lines
        (charging(measured_amps=(5.0, float("nan"), 5.0)), None),
        (charging(measured_amps=(5.0, -0.2, 4.0)), (5.0, 0.0, 4.0)),
    ],
)
def test_what_is_drawn_is_known_only_if_fresh_and_whole(
    facts: ConnectorFacts | None, expected: tuple[float, ...] | None
) -> None:
    assert drawn_amps(outlet(), facts) == expected


def test_bounds_of_a_draw() -> None:
    rotated = outlet(phase_rotation="231")

    def bounds(facts: ConnectorFacts | None, memory: ConnectorMemory, drawn: tuple[float, ...] | None) -> object:
        return draw_bounds(rotated, facts, memory, drawn=drawn, worst=16.0)

    one_line = ConnectorMemory(lines=(0,))
    assert bounds(None, FRESH, None) == ([0, 0, 0], [16.0, 16.0, 16.0])
    assert bounds(charging(), one_line, None) == ([0, 0, 0], [0, 16.0, 0])
    assert bounds(charging(), FRESH, (9.0, 8.0, 7.0)) == ([7.0, 9.0, 8.0], [16.0, 16.0, 16.0])
    assert bounds(charging(), one_line, (9.0, 0.2, 0.2)) == ([0.2, 9.0, 0.2], [0.2, 16.0, 0.2])
    assert bounds(charging(), ConnectorMemory(demand_amps=11.0), (9.0, 8.0, 7.0))[1] == [7.5, 9.5, 8.5]  # type: ignore[index]
    assert bounds(charging(lease=lease(6.0)), FRESH, (9.0, 9.0, 9.0))[0] == [6.5, 6.5, 6.5]  # type: ignore[index]
    assert bounds(charging(lease=LeaseFacts(None)), FRESH, (9.0, 9.0, 9.0))[0] == [9.0, 9.0, 9.0]  # type: ignore[index]


def test_leases_that_rise_last_longer_than_all_that_fall() -> None:
    slow = outlet(mode="C")
    assert (falling_lease_seconds(outlet()), falling_lease_seconds(slow)) == (600.0, 1800.0)
    assert (hold_seconds([]), hold_seconds([outlet()]), hold_seconds([outlet(), slow])) == (1200.0, 1200.0, 3600.0)


def site(count: int, fallback: float = 6.0, **changes: object) -> list[Outlet]:
    """Outlets CP/0 and on, on main."""
    return [outlet(number, fallback_amps=fallback, **changes) for number in range(count)]


def test_s2_fallbacks_that_fit() -> None:
    check = check_fallbacks([Circuit("main", (125.0,) * 3, background_worst_amps=(62.0,) * 3)], site(10))
    assert check.fits and check.fits_then and check.to_zero == ()
    assert check.rows[0].text == (
        "main, phase 1: 10 fallbacks of together 60 A and a background of 62 A make 122 A of 125 A"
    )
    assert check.text == "without the gateway, fallbacks and background stay within every limit"


def test_s2_the_lowest_class_would_have_to_go_to_0() -> None:
    circuit = Circuit("main", (125.0,) * 3, background_worst_amps=(62.0,) * 3)
    outlets = [replace(each, priority=int(each.connector >= 6)) for each in site(12)]
    check = check_fallbacks([circuit], outlets)
    assert not check.fits and check.fits_then and check.to_zero == ("CP/4", "CP/5")
    assert "134 A and exceed 125 A" in check.text and check.text.endswith("fallback_amps = 0 for CP/4, CP/5")


def test_s2_what_no_fallback_of_0_mends() -> None:
    unlimited = check_fallbacks([Circuit("main", (20.0,) * 3)], site(1, 0.0, mode="D"))
    assert not unlimited.fits and not unlimited.fits_then and unlimited.to_zero == ()
    assert unlimited.text.endswith("no fallback of 0 A mends that: the limit is too low for what is not managed")
    crowded = check_fallbacks([Circuit("main", (20.0,) * 3, background_worst_amps=(30.0,) * 3)], site(1, 0.0))
    assert not crowded.fits and not crowded.fits_then


def test_s2_where_nothing_mends_it_no_fallback_is_left() -> None:
    """What cannot be limited is there whether or not it fits: nothing is let in beside it."""
    circuit = Circuit("main", (63.0,) * 3, background_worst_amps=(20.0,) * 3)
    outlets = [*site(3, 6.0, priority=5), outlet(8, mode="D"), outlet(9, mode="D")]
    check = check_fallbacks([circuit], outlets)
    assert not check.fits_then and check.to_zero == ("CP/0", "CP/1", "CP/2")
    beside = check_fallbacks([circuit], outlets[:-1])
    assert beside.fits_then and beside.to_zero == ("CP/1", "CP/2")


def test_s2_the_background_of_sub_circuits_counts_above() -> None:
    circuits = [
        Circuit("main", (40.0,) * 3, background_worst_amps=(5.0,) * 3),
        Circuit("a", (30.0,) * 3, "main", background_worst_amps=(10.0,) * 3),
        Circuit("b", (30.0,) * 3, "main", background_worst_amps=(10.0,) * 3),
    ]
    check = check_fallbacks(circuits, [outlet(1, circuit="a", phase_rotation="2")])
    second = [row for row in check.rows if row.phase == 2]
    assert [(row.circuit, row.background_amps, row.fallback_amps) for row in second] == [
        ("a", 10.0, 6.0),
        ("b", 10.0, 0.0),
        ("main", 20.0, 6.0),
    ]


def test_mistakes_of_a_site_are_told_in_words() -> None:
    main = Circuit("main", (32.0,) * 3)
    assert mistakes_of_site([main], [outlet()]) == ()
    assert mistakes_of_site([main, main, Circuit("a", (1.0,) * 3, "b"), Circuit("c", (-1.0, 1.0, 1.0), "c")], []) == (
        "two circuits have the same name",
        "circuit a: its parent b is not a circuit",
        "circuit c: its parents go round in a circle",
        "circuit c: a limit or background load is below 0 A",
    )
    wrong = outlet(circuit="x", phase_rotation="11", min_amps=0.0, fallback_amps=40.0)
    assert mistakes_of_site([main], [wrong, wrong])[:5] == (
        "a connector is described twice",
        "CP/1: x is not a circuit",
        "CP/1: phase rotation '11' names no supply phases (as in 123, 231 or 2)",
        "CP/1: expected 0 < min_amps <= max_amps, and weight and step above 0",
        "CP/1: fallback_amps is neither 0 nor between min_amps and max_amps",
    )
    assert supply_phases("312") == (2, 0, 1)
