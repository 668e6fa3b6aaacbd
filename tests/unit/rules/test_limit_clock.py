"""The time that ends of limits are judged by: a clock set ahead waits, one set back or mended does not."""

from __future__ import annotations

import pytest

from gateway.model.instants import SECOND, Instant, seconds_later
from gateway.rules.limit_clock import BELIEVED_AFTER_SECONDS, LimitClock, next_reading

NOON = Instant(1_800_000_000 * SECOND)
YEARS = 5 * 365 * 86_400.0


def after(seconds: float) -> Instant:
    return seconds_later(NOON, seconds)


def read(*readings: tuple[float, Instant], latest_known: Instant = NOON) -> list[float]:
    """Seconds after noon that are believed, reading by reading of (steady clock, wall clock)."""
    clock: LimitClock | None = None
    believed = []
    for at_seconds, wall in readings:
        clock = next_reading(clock, wall, at_seconds=at_seconds, latest_known=latest_known)
        believed.append((clock.now - NOON) / SECOND)
    return believed


def test_a_clock_that_goes_right_is_believed() -> None:
    assert read((5.0, NOON), (6.0, after(1)), (66.0, after(62)), (67.0, after(122))) == [0, 1, 62, 122]


def test_a_clock_set_ahead_is_believed_when_it_has_stood_so_for_a_while() -> None:
    wait = BELIEVED_AFTER_SECONDS
    ahead = [(at, after(YEARS + at)) for at in (1.0, 2.0, wait, wait + 1)]
    assert read((0.0, NOON), *ahead) == [0, 1, 2, wait, YEARS + wait + 1]


def test_a_clock_that_was_ahead_for_a_moment_has_moved_nothing_and_the_next_time_counts_anew() -> None:
    wait = BELIEVED_AFTER_SECONDS
    right, ahead = (300.0, after(300)), (2.0, after(YEARS))
    assert read((0.0, NOON), ahead, right, (wait + 3, after(YEARS))) == [0, 2, 300, wait + 3]


@pytest.mark.parametrize("to", [-3600.0, -YEARS])
def test_a_clock_set_back_is_believed(to: float) -> None:
    assert read((0.0, NOON), (1.0, after(to))) == [0, to]


def test_a_clock_that_was_behind_is_believed_when_it_is_mended() -> None:
    assert read((0.0, Instant(0)), (30.0, after(30)))[1] == 30


def test_the_first_reading_is_believed() -> None:
    assert read((1.0, after(YEARS))) == [YEARS]
