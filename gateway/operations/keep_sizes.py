"""Stream `ops` and the meter frames within their megabytes: frames are thinned first, then the oldest go.

Sizes are estimates, so that looking at them costs the same however much there is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Literal

from gateway.model.instants import Instant
from gateway.operations.site import Site
from gateway.operations.tell_drops import claims_of, tell_drops
from gateway.operations.thin_meter_frames import MeterThinner
from gateway.store import journal_expiry, station_numbers
from gateway.store.journal_expiry import Bite, Deleting
from gateway.store.writing import Writing

_MEGABYTE = 1_000_000
# So much less than allowed is kept, so that not every look has something to do.
_GOAL = 0.95
_ROWS_AT_ONCE = 500
_PAUSE_SECONDS = 0.1
_MOST_BITES = 500  # of one look, so that the disk is looked at in between


async def keep_sizes(site: Site, thinner: MeterThinner) -> None:
    """Look once, and delete what is too much, or much of it: the next look goes on."""
    retention = site.configuration.retention
    surplus = await _surplus_bytes(site, "ops", retention.operations_megabytes)
    await _free(surplus, lambda: _delete_events(site))
    surplus = await _surplus_bytes(site, "meter", retention.meter_megabytes)
    surplus = await _free(surplus, thinner.bite)
    await _free(surplus, lambda: _delete_frames(site))
    await tell_drops(site)


async def _surplus_bytes(site: Site, stream: Literal["ops", "meter"], megabytes: int) -> float:
    taken = await site.database.write(lambda db: journal_expiry.size_bytes(db, stream))
    return taken - _GOAL * megabytes * _MEGABYTE if taken > megabytes * _MEGABYTE else 0.0


async def _free(surplus_bytes: float, next_bite: Callable[[], Awaitable[Bite]]) -> float:
    """Bite by bite; how much is still too much when nothing is left that may go in this way."""
    for _ in range(_MOST_BITES):
        if surplus_bytes <= 0:
            break
        bite = await next_bite()
        if not bite.more:
            return surplus_bytes
        surplus_bytes -= bite.size_bytes
        await asyncio.sleep(_PAUSE_SECONDS)
    return 0.0


async def _delete_events(site: Site) -> Bite:
    now = site.wall_clock()
    return await site.database.write(lambda db: journal_expiry.delete_events(db, "ops", _why(db, site, now)))


async def _delete_frames(site: Site) -> Bite:
    now = site.wall_clock()
    return await site.database.write(lambda db: journal_expiry.delete_frames(db, _why(db, site, now), spares_open=True))


def _why(db: Writing, site: Site, now: Instant) -> Deleting:
    station_numbers.note(db)
    return Deleting("retention_size", claims_of(db, site.configuration), _ROWS_AT_ONCE, now)
