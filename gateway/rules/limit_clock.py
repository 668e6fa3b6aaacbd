"""By which time are lower limits for a time judged, when the wall clock may be wrong?

A limit that ends too early may overload a fuse or break the grid operator's word; one that ends late only charges cars
more slowly. So a clock that was set ahead is not believed at once: until it has stood so for a while, time goes on from
where it was. A clock that was set back is believed. One that was known to be behind and is right now was mended.
Which limits there are is not known here.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.model.instants import SECOND, Instant, seconds_later
from gateway.rules.security_profiles import is_clock_behind

BELIEVED_AFTER_SECONDS = 600.0
_STEP_SECONDS = 60.0  # a clock that goes ahead by less is being kept right


@dataclass(frozen=True, slots=True)
class LimitClock:
    """The time that limits are judged by, and when that was, by a clock that never jumps.

    `doubted_since`: since then it is not the wall clock's.
    """

    now: Instant
    at_seconds: float
    doubted_since: float | None = None


def next_reading(before: LimitClock | None, wall: Instant, *, at_seconds: float, latest_known: Instant) -> LimitClock:
    """The time to judge by now; `latest_known` has certainly gone by."""
    if before is None:
        return LimitClock(wall, at_seconds)
    expected = seconds_later(before.now, at_seconds - before.at_seconds)
    if wall - expected <= _STEP_SECONDS * SECOND:
        return LimitClock(wall, at_seconds)
    if is_clock_behind(expected, latest_known=latest_known):
        return LimitClock(wall, at_seconds)
    since = at_seconds if before.doubted_since is None else before.doubted_since
    if at_seconds - since >= BELIEVED_AFTER_SECONDS:
        return LimitClock(wall, at_seconds)
    return LimitClock(expected, at_seconds, since)
