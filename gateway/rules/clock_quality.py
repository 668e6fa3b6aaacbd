"""How good is the machine's clock, what of it is worth noting, and was it set to another time?

A controller without a battery clock starts in some past year. Whoever reads its journal must know which times to
believe, and the monotonic time of a boot dates anew what was recorded before the first synchronisation.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.model.clocks import ClockQuality, ClockState, Quality, RawClock
from gateway.model.instants import SECOND

# The kernel's own bound for a clock that nobody corrects: 500 parts per million.
_DRIFT_PER_MILLION = 500
# What people and bills can notice; corrections up to here are slewed by every time service.
_STEP_US = SECOND // 2
_GROWS_BY = 2
_SMALLEST_ERROR_MS = 10  # below it, growing is no news
_LOW_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class LastSynced:
    """When the clock was last known to be kept by a time service in this boot, and how wrong it could be then."""

    monotonic_us: int
    error_us: int


@dataclass(frozen=True, slots=True)
class Noting:
    """A state worth noting, because `reason`: boot, step, quality, error or settled."""

    reason: str
    step_us: int = 0


def how_good(raw: RawClock, last_synced: LastSynced | None) -> ClockQuality:
    """The clock's quality now, and the most that it may be wrong by."""
    if raw.synchronised:
        return _quality("synced", raw.max_error_us, raw)
    if last_synced is None:
        return _quality("unsynced", raw.max_error_us, raw)
    drifted_us = max(0, raw.monotonic_us - last_synced.monotonic_us) * _DRIFT_PER_MILLION // 1_000_000
    return _quality("holdover", max(raw.max_error_us, last_synced.error_us + drifted_us), raw)


def last_synced_of(raw: RawClock, before: LastSynced | None, noted: ClockState | None) -> LastSynced | None:
    """When it was last synced, from what it says now, was remembered, or (after a restart) was noted in this boot."""
    if raw.synchronised:
        return LastSynced(raw.monotonic_us, raw.max_error_us)
    if before is None and noted is not None and noted.boot_id == raw.boot_id and noted.quality != "unsynced":
        return LastSynced(raw.monotonic_us, noted.error_ms * 1000)
    return before


def why_note(noted: ClockState | None, raw: RawClock, now: ClockQuality, *, low_seconds: float = 0) -> Noting | None:
    """Why the clock's state must be noted anew; None: what is noted is still right.

    `low_seconds`: for how long the error has been less than half of what is noted.
    """
    if noted is None or noted.boot_id != now.boot_id:
        return Noting("boot")
    step_us = raw.offset_us - noted.offset_us
    if abs(step_us) > _STEP_US:
        return Noting("step", step_us)
    if noted.quality != now.quality:
        return Noting("quality")
    if now.error_ms >= max(_GROWS_BY * noted.error_ms, _SMALLEST_ERROR_MS):
        return Noting("error")
    if is_low(noted, now) and low_seconds >= _LOW_SECONDS:
        return Noting("settled")
    return None


def is_low(noted: ClockState | None, now: ClockQuality) -> bool:
    """Is the error less than half of what is noted? Between two looks of a time service it rises and falls."""
    return noted is not None and noted.error_ms >= _SMALLEST_ERROR_MS and now.error_ms * _GROWS_BY < noted.error_ms


def _quality(quality: Quality, error_us: int, raw: RawClock) -> ClockQuality:
    return ClockQuality(quality, -(-error_us // 1000), raw.boot_id, raw.monotonic_us // 1000)
