"""Which meter values of a session are told to those who bill."""

from __future__ import annotations

from gateway.model.instants import SECOND, Instant
from gateway.rules.billing_values import Measurement, Wanted, best_time, wanted

NOON = Instant(1_800_000_000 * SECOND)  # a whole quarter of an hour
QUARTER = NOON // (900 * SECOND)
NEVER_SET = Instant(5 * SECOND)


def at(minutes: float, *, marked: bool = False) -> Measurement:
    return Measurement(Instant(NOON + round(minutes * 60) * SECOND), marked)


def chosen(*measured: Measurement, told: int | None = QUARTER, whole: bool = False) -> Wanted:
    return wanted(measured, received_at=NOON, told_quarter=told, whole=whole)


def test_the_first_of_a_session_and_of_each_started_quarter() -> None:
    assert chosen(at(1), at(2), told=None) == Wanted((0,), QUARTER)
    assert chosen(at(1)) == Wanted((), QUARTER)
    assert chosen(at(14), at(15), at(29.9), at(30), at(61)) == Wanted((1, 3, 4), QUARTER + 4)


def test_what_came_late_of_a_quarter_that_is_over_is_not_told_again() -> None:
    assert chosen(at(1), at(16), at(2), at(17)) == Wanted((1,), QUARTER + 1)


def test_what_is_signed_or_marks_begin_and_end_always() -> None:
    assert chosen(at(1, marked=True), at(2), at(3, marked=True)) == Wanted((0, 2), QUARTER)


def test_the_whole_message() -> None:
    assert chosen(at(1), at(2), at(16), whole=True) == Wanted((0, 1, 2), QUARTER + 1)
    assert chosen(whole=True) == Wanted((), QUARTER)


def test_a_time_that_nobody_can_know_is_that_of_the_receipt() -> None:
    assert chosen(Measurement(None), Measurement(NEVER_SET), told=None) == Wanted((0,), QUARTER)
    assert (best_time(None, NOON), best_time(NEVER_SET, NOON)) == (NOON, NOON)
    assert best_time(Instant(NOON - SECOND), NOON) == NOON - SECOND
