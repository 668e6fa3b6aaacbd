"""Two phases: lower first, raise only into what is free; pauses between changes, budgets, renewals."""

from __future__ import annotations

from dataclasses import replace

from gateway.model.load_decision import Send
from gateway.rules.limit_changes import Standing, changes_of, writes_now

LATE = 100.0


def standing(key: str, cap: float, planned: float, **changes: object) -> Standing:
    """A connector on row 0 whose limit is confirmed and settled."""
    plain = Standing(
        key=key,
        station=key,
        connector=1,
        reachable=True,
        fixed=False,
        planned_amps=planned,
        cap_amps=cap,
        worst_amps=cap,
        rows=(0,),
        least_amps=6.0,
        since_change=LATE,
        since_sent=LATE,
        lease_left=550.0,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def changes(*standings: Standing, room: float, guard: float = 0.0) -> list[tuple[str, str, float]]:
    """What is sent on one row."""
    return [told(send) for send in changes_of(standings, [room], [guard])]


def told(send: Send) -> tuple[str, str, float]:
    """A send in short."""
    return send.station, send.kind, send.amps


def test_the_increase_waits_until_the_decrease_is_confirmed() -> None:
    tight = standing("a", 20.0, 10.0), standing("b", 0.0, 10.0)
    assert changes(*tight, room=20.0) == [("a", "decrease", 10.0)]
    under_way = standing("a", 10.0, 10.0, worst_amps=20.0), standing("b", 0.0, 10.0)
    assert changes(*under_way, room=20.0) == []
    confirmed = standing("a", 10.0, 10.0), standing("b", 0.0, 10.0)
    assert changes(*confirmed, room=20.0) == [("b", "start", 10.0)]


def test_an_overfull_row_is_lowered_at_once_largest_excess_first_and_no_further_than_needed() -> None:
    hurried = [standing(key, cap, 8.0, since_change=1.0) for key, cap in (("a", 10.0), ("b", 16.0), ("c", 9.0))]
    assert changes(*hurried, room=28.0) == [("b", "decrease", 8.0)]
    assert changes(*hurried[:1], room=28.0) == []
    spent = [replace(each, sent=None, writes_left=0.0, cap_amps=20.0, worst_amps=20.0) for each in hurried]
    assert len(changes(*spent, room=24.0)) == 3  # no budget holds back what must be


def test_what_cannot_be_lowered_is_not_asked() -> None:
    assert changes(standing("a", 20.0, 8.0, fixed=True), room=10.0) == []
    assert changes(standing("a", 20.0, 8.0, reachable=False), room=10.0) == []


def test_for_fairness_only_by_two_amperes_after_a_pause_and_if_somebody_gains() -> None:
    hungry = standing("b", 8.0, 12.0)
    assert changes(standing("a", 16.0, 12.0), hungry, room=24.0) == [("a", "decrease", 12.0)]
    assert changes(standing("a", 13.5, 12.0), hungry, room=21.5) == []
    assert changes(standing("a", 16.0, 12.0, since_change=29.0), hungry, room=24.0) == []
    assert changes(standing("a", 16.0, 12.0, writes_left=0.5), hungry, room=24.0) == []
    assert changes(standing("a", 16.0, 12.0), standing("b", 8.0, 8.5), room=24.0) == []
    elsewhere = replace(hungry, rows=(1,))
    assert [told(s) for s in changes_of([standing("a", 16.0, 12.0), elsewhere], [24.0, 8.0], [0.0, 0.0])] == []


def test_surplus_and_unbalance_lower_also_when_nobody_gains() -> None:
    assert changes(standing("a", 10.0, 8.0, binding=True), room=99.0) == [("a", "decrease", 8.0)]
    assert changes(standing("a", 10.0, 9.5, binding=True), room=99.0) == []
    assert changes(standing("a", 0.5, 0.0, binding=True), room=99.0) == [("a", "decrease", 0.0)]
    assert changes(standing("a", 10.0, 8.0, binding=True, since_change=5.0), room=99.0) == []


def test_for_a_car_that_does_not_charge_at_all_a_little_is_enough() -> None:
    assert changes(standing("a", 13.5, 12.0), standing("b", 0.0, 6.0), room=18.0) == [("a", "decrease", 12.0)]


def test_increases_leave_the_guard_free_and_are_cut_to_whole_steps() -> None:
    assert changes(standing("a", 10.0, 20.0), room=20.0, guard=2.0) == [("a", "increase", 18.0)]
    assert changes(standing("a", 10.0, 20.0, step_amps=1.0), room=18.7, guard=2.0) == [("a", "increase", 16.0)]
    assert changes(standing("a", 10.0, 20.0), room=12.5, guard=2.0) == []  # less than an ampere
    assert changes(standing("a", 10.0, 20.0), room=11.0, guard=2.0) == []  # into the guard already
    assert changes(standing("a", 10.0, 20.0, since_change=29.0), room=40.0) == []
    assert changes(standing("a", 10.0, 20.0, since_change=59.0, slow=True), room=40.0) == []
    assert changes(standing("a", 10.0, 20.0, waiting_seconds=2.0), room=40.0) == []
    assert changes(standing("a", 10.0, 20.0, rows=()), room=40.0) == []  # no row, no room


def test_a_first_start_gets_at_most_what_is_free_and_at_least_what_it_needs() -> None:
    first = standing("a", 0.0, 16.0, since_change=None, since_sent=None, lease_left=None)
    assert changes(first, standing("b", 10.0, 10.0), room=20.0, guard=2.0) == [("a", "start", 8.0)]
    assert changes(replace(first, sent=None), standing("b", 10.0, 10.0), room=17.0, guard=2.0) == []
    assert changes(standing("a", 0.0, 16.0, since_change=59.0), room=40.0) == []  # paused less than a minute ago


def test_starts_come_before_increases_and_these_to_the_poorest_first() -> None:
    assert changes(standing("rich", 12.0, 20.0), standing("new", 0.0, 8.0), standing("poor", 8.0, 20.0), room=38.0) == [
        ("new", "start", 8.0),
        ("poor", "increase", 18.0),
    ]


def test_leases_are_renewed_when_half_the_falling_time_is_over() -> None:
    assert changes(standing("a", 10.0, 10.0, lease_left=299.0), room=20.0) == [("a", "renew", 10.0)]
    below = standing("a", 0.0, 0.0, fallback_amps=6.0, lease_left=899.0)
    (send,) = changes_of([below], [20.0], [0.0])
    assert (send.kind, send.amps, send.lease_seconds) == ("renew", 0.0, 1200.0)
    assert changes(replace(below, sent=None, lease_left=901.0), room=20.0) == []
    assert changes(standing("a", 10.0, 10.0, lease_left=None), room=20.0) == []
    assert changes(standing("a", 10.0, 10.0, lease_left=299.0, since_sent=5.0), room=20.0) == []


def test_what_is_not_answered_is_repeated_also_to_a_station_that_cannot_be_changed() -> None:
    lost = standing("a", 10.0, 10.0, waiting_seconds=10.0, fixed=True, since_sent=None)
    assert changes(lost, room=20.0) == [("a", "renew", 10.0)]
    assert changes(standing("a", 10.0, 10.0, waiting_seconds=9.0, lease_left=10.0), room=20.0) == []


def test_the_write_budget_fills_up_with_time() -> None:
    assert writes_now(None, 0.0, slow=False) == 20.0
    assert writes_now(3.0, 600.0, slow=False) == 7.0
    assert writes_now(3.0, 36000.0, slow=True) == 4.0
