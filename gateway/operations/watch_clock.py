"""Notes how good the machine's clock is whenever that changes, and tells when the clock was set to another time.

What is noted holds for the events that are recorded from then on (`store/clock_states`), at most ten seconds late.
"""

from __future__ import annotations

import asyncio
import logging

from gateway.model.clocks import ClockQuality, ClockState, RawClock
from gateway.model.instants import SECOND, Instant, text_of
from gateway.operations.site import Site
from gateway.rules.clock_quality import Noting, is_low, why_note
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


async def note_clock(site: Site) -> None:
    """Look once; writes only when there is something to note."""
    clock = site.clock_quality
    noted = await site.database.write(clock_states.newest)
    raw, now = clock.look(noted)
    site.health.report(COMPONENT, None, notice=_NOTICES[now.quality])
    if not is_low(noted, now):
        clock.low_since_us = None
    elif clock.low_since_us is None:
        clock.low_since_us = raw.monotonic_us
    low_us = 0 if clock.low_since_us is None else raw.monotonic_us - clock.low_since_us
    noting = why_note(noted, raw, now, low_seconds=low_us / SECOND)
    if noting is not None:
        clock.low_since_us = None
        await site.database.write(lambda db: _note(db, noting, noted, raw, now))
        if noting.step_us:
            logger.warning("the clock was set by %.3f seconds", noting.step_us / SECOND)


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
