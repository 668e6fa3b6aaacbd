"""When the disk is nearly full: delete the oldest of what no bill rests on, before nothing can be stored at all.

Retention goes by time, but one station can say more in a day than a disk holds. Meter values, other events and
quarantined messages go, sessions and stream `tx` never. The alarm stays on as long as there is too little room.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

from gateway.operations.site import Site
from gateway.rules.retention import missing_bytes
from gateway.store import expiry, station_numbers

logger = logging.getLogger(__name__)

COMPONENT = "disk"

_ROWS_AT_ONCE = 500
_PAUSE_SECONDS = 0.1


def free_and_all(directory: Path) -> tuple[int, int]:
    """(free bytes, all bytes) of the file system that holds this directory."""
    usage = shutil.disk_usage(directory)
    return usage.free, usage.total


async def keep_room(site: Site, *, measure: Callable[[Path], tuple[int, int]] = free_and_all) -> None:
    """Delete the oldest while the disk is nearly full, and report the component `disk`."""
    free_bytes, missing = await _missing_bytes(site, measure)
    if not missing:
        site.health.report(COMPONENT, None)
        return
    site.health.report(
        COMPONENT, f"nearly full ({free_bytes // 1_000_000} MB free): the oldest meter values and events are deleted"
    )
    await site.database.write(station_numbers.note)
    gone = 0
    while missing and (bite := await site.database.write(lambda db: expiry.delete_oldest(db, most=_ROWS_AT_ONCE))):
        gone += bite
        await asyncio.sleep(_PAUSE_SECONDS)
        _, missing = await _missing_bytes(site, measure)
    logger.warning("the disk is nearly full: %d bytes free; deleted %d of the oldest records", free_bytes, gone)


async def _missing_bytes(site: Site, measure: Callable[[Path], tuple[int, int]]) -> tuple[int, int]:
    free_bytes, disk_bytes = await asyncio.to_thread(measure, site.configuration.data.directory)
    reusable_bytes = await site.database.alone(_reusable_bytes)
    missing = missing_bytes(free_bytes=free_bytes, reusable_bytes=reusable_bytes, disk_bytes=disk_bytes)
    return free_bytes, missing


def _reusable_bytes(connection: sqlite3.Connection) -> int:
    (pages, page_bytes) = connection.execute(
        "SELECT freelist_count, page_size FROM pragma_freelist_count, pragma_page_size"
    ).fetchone()
    return int(pages * page_bytes)
