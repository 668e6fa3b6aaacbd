"""Which meter values of a session does billing need? Few of the many that stations send.

The first and the last of a session, the first of each started quarter of an hour, and all that are signed or mark the
begin or end of a session. What a meter value looks like is read elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gateway.model.instants import CLOCK_NEVER_SET_BEFORE, SECOND, Instant

_QUARTER = 15 * 60 * SECOND


class Measurement(NamedTuple):
    """One meter value: when it was measured (None: unreadable), and whether it is signed or marks begin or end."""

    at: Instant | None
    marked: bool = False


class Wanted(NamedTuple):
    """Which of the meter values are told, by position; the newest quarter of which something was told."""

    positions: tuple[int, ...]
    quarter: int | None


def wanted(measured: Sequence[Measurement], *, received_at: Instant, told_quarter: int | None, whole: bool) -> Wanted:
    """Which of the meter values of one message are told. `whole`: all of them.

    `told_quarter`: the newest quarter of an hour of which the session's values were told; None: nothing was. Time that
    a station never set does not count, the receipt does.
    """
    positions: list[int] = []
    quarter = told_quarter
    for position, one in enumerate(measured):
        its_quarter = best_time(one.at, received_at) // _QUARTER
        is_new = quarter is None or its_quarter > quarter
        if is_new:
            quarter = its_quarter
        if is_new or one.marked or whole:
            positions.append(position)
    return Wanted(tuple(positions), quarter)


def best_time(at: Instant | None, received_at: Instant) -> Instant:
    """When a value was measured, as far as that can be known."""
    return received_at if at is None or at < CLOCK_NEVER_SET_BEFORE else at
