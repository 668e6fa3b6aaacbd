"""When the disk fills: say so, thin and delete the oldest of what no bill rests on, and in the end stop recording it.

Retention goes by time, but one station can say more in a day than a disk holds. Sessions and stream `tx` never go, are
always recorded, and no charge is refused because of it. What each level means is said in `rules.disk_pressure`; what
is recorded at all is looked up there by `events.append` and `meter_frames.append`, in the database.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import shutil
from collections.abc import Callable
from pathlib import Path

from gateway.operations.keep_sizes import keep_sizes
from gateway.operations.site import Site
from gateway.operations.tell_drops import claims_of, tell_drops
from gateway.operations.thin_meter_frames import MeterThinner
from gateway.rules.disk_pressure import (
    LEVELS,
    METER_GOAL_PERCENT,
    METER_STOPPED,
    OPERATIONS_GOAL_PERCENT,
    OPERATIONS_STOPPED,
    Room,
    is_nearly_full,
    level_at,
)
from gateway.store import events, expiry, journal_expiry, station_numbers
from gateway.store.database import StoreUnavailable
from gateway.store.journal_expiry import Bite, Deleting
from gateway.store.writing import Writing

logger = logging.getLogger(__name__)

COMPONENT = "disk"

Measure = Callable[[Path], tuple[int, int]]

_EVERY_SECONDS = 30.0
_LOOKS_PER_SIZE = 20
_TELL_EVERY_SECONDS = 600.0
_ROWS_AT_ONCE = 500
_THIN_BITES = 50  # of one look; the next one goes on
_PAUSE_SECONDS = 0.1
_MEGABYTE = 1_000_000
_MEANING = (
    None,
    "old meter values are thinned and deleted",
    "old meter values are deleted, and new ones recorded only for sessions",
    "old meter values and events are deleted, and new ones recorded only where bills or security need them",
)


def free_and_all(directory: Path) -> tuple[int, int]:
    """(free bytes, all bytes) of the file system that holds this directory."""
    usage = shutil.disk_usage(directory)
    return usage.free, usage.total


async def watch_room(site: Site) -> None:
    """For ever: keep the journal within its megabytes and the disk from filling up."""
    thinner = MeterThinner(site)
    for number in itertools.count(1):
        await asyncio.sleep(_EVERY_SECONDS)
        try:
            await keep_room(site, thinner, measure=free_and_all)
            if number % _LOOKS_PER_SIZE == 0:
                await keep_sizes(site, thinner)
        except StoreUnavailable as error:
            logger.error("no room could be made: %s", error)


async def keep_room(site: Site, thinner: MeterThinner, *, measure: Measure = free_and_all) -> None:
    """Look once: note the level, report the component `disk`, and delete what must go."""
    room = await _measured(site, measure)
    before, level = await _note_level(site, room)
    if level > 0:
        may_thin_more = await _thin(site, thinner, measure)
        if level >= METER_STOPPED or not may_thin_more:
            await _delete(site, measure, _delete_frames, METER_GOAL_PERCENT)
        if level >= OPERATIONS_STOPPED:
            await _delete(site, measure, _delete_operations, OPERATIONS_GOAL_PERCENT)
        room = await _measured(site, measure)
    _report(site, room, level)
    if level > before:
        logger.warning("the disk fills: %s (%d bytes free)", _MEANING[level], room.free_bytes)
    now = asyncio.get_running_loop().time()
    if level != before or now >= site.room.tells_at:  # what is told is soon deleted, which must be told again
        site.room.tells_at = now + _TELL_EVERY_SECONDS
        await tell_drops(site)


async def _note_level(site: Site, room: Room) -> tuple[int, int]:
    """The level before and now."""
    now, configured = site.wall_clock(), _configured(site)

    def unit(db: Writing) -> tuple[int, int]:
        before = db.meta("disk_pressure")
        level = level_at(room.percent(configured), before=before)
        if level != before:
            db.set_meta("disk_pressure", level)
            data = {
                "level": LEVELS[level],
                "before": LEVELS[before],
                "percent": round(room.percent(configured), 1),
                "used_bytes": room.used_bytes,
                "budget_bytes": room.budget_bytes(configured),
                "free_bytes": room.free_bytes,
            }
            events.append(db, "disk.pressure", happened_at=now, recorded_at=now, data=data)
        return before, level

    return await site.database.write(unit)


def _report(site: Site, room: Room, level: int) -> None:
    site.room.level, site.room.used_bytes = level, room.used_bytes
    site.room.budget_bytes = room.budget_bytes(_configured(site))
    state = f"({room.free_bytes // _MEGABYTE} MB free, the database fills {room.percent(_configured(site)):.0f} %)"
    if level >= METER_STOPPED:
        site.health.report(COMPONENT, f"nearly full {state}: {_MEANING[level]}")
    elif is_nearly_full(room):
        site.health.report(COMPONENT, f"nearly full {state}: make room", notice=_MEANING[level])
    else:
        site.health.report(COMPONENT, None, notice=f"it fills up {state}: {_MEANING[level]}" if level else None)


async def _thin(site: Site, thinner: MeterThinner, measure: Measure) -> bool:
    """Thin for a while; False: that is done, and not enough."""
    for _ in range(_THIN_BITES):
        if (await _measured(site, measure)).percent(_configured(site)) <= METER_GOAL_PERCENT:
            break
        if not (await thinner.bite()).more:
            return False
        await asyncio.sleep(_PAUSE_SECONDS)
    return True


async def _delete(
    site: Site, measure: Measure, delete: Callable[[Writing, Deleting], Bite], goal_percent: float
) -> None:
    """Bite by bite, until the database fills so much of its room, or nothing is left that may go."""

    now = site.wall_clock()

    def unit(db: Writing) -> Bite:
        station_numbers.note(db)
        return delete(db, Deleting("disk_pressure", claims_of(db, site.configuration), _ROWS_AT_ONCE, now))

    while (await _measured(site, measure)).percent(_configured(site)) > goal_percent:
        if not (await site.database.write(unit)).more:
            return
        await asyncio.sleep(_PAUSE_SECONDS)


def _delete_frames(db: Writing, why: Deleting) -> Bite:
    return journal_expiry.delete_frames(db, why, spares_open=True)


def _delete_operations(db: Writing, why: Deleting) -> Bite:
    beside = expiry.delete_oldest_beside_journal(db, most=why.most)
    bite = journal_expiry.delete_unneeded_operations(db, why)
    return bite._replace(more=bite.more or beside > 0)


async def _measured(site: Site, measure: Measure) -> Room:
    free_bytes, disk_bytes = await asyncio.to_thread(measure, site.configuration.data.directory)
    used_bytes, reusable_bytes = await site.database.write(_used_and_reusable)
    return Room(used_bytes, reusable_bytes, free_bytes, disk_bytes)


def _used_and_reusable(db: Writing) -> tuple[int, int]:
    (pages, free_pages, page_bytes) = db.execute(
        "SELECT page_count, freelist_count, page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size"
    ).fetchone()
    return (pages - free_pages) * page_bytes, free_pages * page_bytes


def _configured(site: Site) -> int:
    return site.configuration.retention.disk_megabytes * _MEGABYTE
