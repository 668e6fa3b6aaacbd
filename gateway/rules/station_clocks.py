"""How far ahead of ours is a station's clock, by the times in what it tells?

A limit that ends at the wrong moment is a limit that does not hold, so a delay must not look like a slow clock: what a
station kept while it was offline comes hours late. Delays only make a clock look slower than it is. So what shows it
further ahead is believed at once; what shows it further behind only when its time and ours have gone on by the same
since the message before, which is never so while a queue is emptied. Nothing is known here of what follows.
"""

from __future__ import annotations

from typing import NamedTuple

from gateway.model.instants import SECOND, Instant

NOISE_MS = 5_000  # on their way, and by whole seconds, times differ so much
_AGREE_SECONDS = 2.0
_APART_SECONDS = 5.0


class StationClock(NamedTuple):
    """`ahead_ms` is believed; `told` by the station's clock and `came` by ours are of its newest message."""

    ahead_ms: int = 0
    told: Instant | None = None
    came: Instant | None = None


def clock_after(known: StationClock, told: Instant, came: Instant) -> StationClock:
    """What is believed after a message with the time `told` came; small differences change nothing."""
    seen_ms = (told - came) // 1000
    ahead_ms = known.ahead_ms
    if seen_ms > ahead_ms + NOISE_MS or (seen_ms < ahead_ms - NOISE_MS and _goes_like_ours(known, told, came)):
        ahead_ms = seen_ms
    return StationClock(ahead_ms, told, came)


def ours_was_set(known: StationClock, by_seconds: float) -> StationClock:
    """Our own clock was set by so much; the station's was not."""
    return StationClock(known.ahead_ms - round(by_seconds * 1000))


def _goes_like_ours(known: StationClock, told: Instant, came: Instant) -> bool:
    if known.told is None or known.came is None:
        return False
    its, ours = (told - known.told) / SECOND, (came - known.came) / SECOND
    return its >= _APART_SECONDS and abs(its - ours) <= _AGREE_SECONDS
