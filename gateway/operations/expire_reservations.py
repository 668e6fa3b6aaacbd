"""Ends reservations whose time is over, within a second of it, by the gateway's own clock.

It sleeps until the next one is due or something about reservations has changed. The clock may be set and a backup
restored meanwhile, so it looks again after a minute at the latest.
"""

from __future__ import annotations

import asyncio
import logging

from gateway.model.instants import SECOND, Instant
from gateway.operations import keep_reservations
from gateway.operations.site import Site
from gateway.store import reservations
from gateway.store.database import StoreUnavailable
from gateway.store.writing import Writing

logger = logging.getLogger(__name__)

_LONGEST_SECONDS = 60.0
_STORE_AWAY_SECONDS = 5.0


async def expire_reservations(site: Site) -> None:
    """For ever: end what is due, then wait for the next."""
    while True:
        seen = site.reservations_changed.generation
        try:
            next_at = await end_due(site)
        except StoreUnavailable as error:
            logger.error("reservations could not be ended: %s", error)
            await asyncio.sleep(_STORE_AWAY_SECONDS)
            continue
        try:
            async with asyncio.timeout(_seconds_until(next_at, site.wall_clock())):
                await site.reservations_changed.newer_than(seen)
        except TimeoutError:
            pass


async def end_due(site: Site) -> Instant | None:
    """End what is due now; when the next one is, None when there is none."""
    now = site.wall_clock()

    def unit(db: Writing) -> Instant | None:
        for one in reservations.due(db, now):
            keep_reservations.end(db, site, one, "expired", now=now)
        return reservations.next_expiry(db)

    return await site.database.write(unit)


def _seconds_until(moment: Instant | None, now: Instant) -> float:
    if moment is None:
        return _LONGEST_SECONDS
    return min(max((moment - now) / SECOND, 0.0), _LONGEST_SECONDS)
