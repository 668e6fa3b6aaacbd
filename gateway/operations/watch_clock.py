"""Notes how good the machine's clock is whenever that changes, and tells when the clock was set to another time.

What is noted holds for the events that are recorded from then on (`store/clock_states`), at most ten seconds late.
"""

from __future__ import annotations

import asyncio
import logging
from typing import NamedTuple

from gateway.model.clocks import ClockQuality, ClockState, RawClock
from gateway.model.instants import SECOND, Instant, text_of
from gateway.operations.site import Site
from gateway.rules.clock_quality import LastSynced, Noting, how_good, is_low, last_synced_of, why_note
from gateway.store import clock_states, events
from gateway.store.database import StoreUnavailable
from gateway.store.writing import Writing

logger = logging.getLogger(__name__)

COMPONENT = "clock"

_EVERY_SECONDS = 10.0
_NOTICES = {
    "synced": None,
    "holdover": "no time service keeps the clock any longer",
    "unsynced": "no time service has set the clock since the machine started",
}


async def watch_clock(site: Site) -> None:
    """For ever: look at the clock, and note what has changed."""
    while True:
        await asyncio.sleep(_EVERY_SECONDS)
        try:
            await note_clock(site)
        except StoreUnavailable as error:
            logger.error("the state of the clock could not be noted: %s", error)


class _Look(NamedTuple):
    """What one look at the clock gave."""

    quality: ClockQuality
    last_synced: LastSynced | None
    low_since_us: int | None
    noting: Noting | None


async def note_clock(site: Site) -> None:
    """Look once; writes only when there is something to note."""
    clock, raw = site.clock_quality, site.clock_quality.read()
    before, low_since_us = clock.last_synced, clock.low_since_us

    def unit(db: Writing) -> _Look:
        noted = clock_states.newest(db)
        last_synced = last_synced_of(raw, before, noted)
        quality = how_good(raw, last_synced)
        low_since = (low_since_us or raw.monotonic_us) if is_low(noted, quality) else None
        low_seconds = 0 if low_since is None else (raw.monotonic_us - low_since) / SECOND
        noting = why_note(noted, raw, quality, low_seconds=low_seconds)
        if noting is not None:
            _note(db, noting, noted, raw, quality)
        return _Look(quality, last_synced, low_since, noting)

    look = await site.database.write(unit)
    clock.last_synced, clock.low_since_us = look.last_synced, look.low_since_us
    site.health.report(COMPONENT, None, notice=_NOTICES[look.quality.quality])
    if look.noting is not None and look.noting.step_us:
        logger.warning("the clock was set by %.3f seconds", look.noting.step_us / SECOND)


def _note(db: Writing, noting: Noting, noted: ClockState | None, raw: RawClock, now: ClockQuality) -> None:
    clock_states.note(db, boot_id=raw.boot_id, quality=now.quality, error_ms=now.error_ms, offset_us=raw.offset_us)
    if noting.step_us and noted is not None:
        at = Instant(raw.monotonic_us + raw.offset_us)
        data = {
            "before": text_of(Instant(raw.monotonic_us + noted.offset_us)),
            "after": text_of(at),
            "step_ms": round(noting.step_us / 1000),
            "quality": now.quality,
        }
        events.append(db, "clock.stepped", happened_at=at, recorded_at=at, data=data)
