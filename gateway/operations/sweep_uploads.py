"""The hourly round of uploads: what is too old goes, rows and files are held beside each other, leftovers go.

A kill may leave a file without a row; a disk may lose a file whose row stays, which is told. A file that is young stays
in any case, because it may be on its way to its row.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path

from gateway.model.instants import Instant, seconds_later
from gateway.operations.keep_uploads import (
    forget_upload,
    forwarding_upstream,
    incoming_folder,
    path_of,
    told_of,
    uploads_folder,
)
from gateway.operations.site import Site
from gateway.store import events, uploads
from gateway.store.database import StoreUnavailable
from gateway.store.writing import Writing

logger = logging.getLogger(__name__)

_EVERY_SECONDS = 3600.0
_ROWS_AT_ONCE = 100
_PAUSE_SECONDS = 0.1
# untouched for so long, a file without a row was left by a kill; a transfer may rest for a while
_YOUNG_SECONDS, _RESTING_SECONDS = 3600.0, 86_400.0


async def sweep_uploads(site: Site) -> None:
    """For ever: at the start and then every hour."""
    upstream = forwarding_upstream(site)
    name = None if upstream is None else upstream.name
    await site.database.write(lambda db: uploads.readdress(db, name))
    while True:
        try:
            await forget_old(site)
            await hold_beside(site)
        except (StoreUnavailable, OSError) as error:
            logger.error("uploads could not be looked through: %s", error)
        await asyncio.sleep(_EVERY_SECONDS)


async def forget_old(site: Site) -> None:
    """Uploads that are older than `[firmware] uploads_days` go, by the clock that judges every age here."""
    days = site.configuration.firmware.uploads_days

    def unit(db: Writing) -> list[int]:
        limit = seconds_later(Instant(db.meta("age_judged_at")), -days * 86_400.0)
        old = uploads.received_before(db, limit, most=_ROWS_AT_ONCE)
        for upload_id in old:
            forget_upload(db, site, upload_id, why="age")
        return old

    while gone := await site.database.write(unit):
        await asyncio.to_thread(_remove_all, [path_of(site, upload_id) for upload_id in gone])
        await asyncio.sleep(_PAUSE_SECONDS)


async def hold_beside(site: Site) -> None:
    """Files without a row are removed; of rows without their file it is noted and told."""
    found = await asyncio.to_thread(_files_of, site)  # before the rows: a row comes after its file
    rows = await site.database.write(uploads.sizes)
    lost = {upload_id for upload_id, (size, _) in rows.items() if found.get(upload_id, (None, 0.0))[0] != size}
    changed = [upload_id for upload_id, (_, missing) in rows.items() if missing != (upload_id in lost)]
    for upload_id in changed:
        # it may have been deleted or have come since the files were looked at
        is_there = await asyncio.to_thread(_has_size, path_of(site, upload_id), rows[upload_id][0])
        await site.database.write(lambda db, one=upload_id, there=is_there: _note(db, site, one, there))  # type: ignore[misc]
    left = [path_of(site, upload_id) for upload_id, (_, age) in found.items() if age > _YOUNG_SECONDS]
    orphans = [path for path in left if int(path.name) not in rows]
    resting = await asyncio.to_thread(lambda: list(_resting(incoming_folder(site))))
    await asyncio.to_thread(_remove_all, [*orphans, *resting])
    if orphans or resting:
        logger.info("removed %d files that belong to no upload", len(orphans) + len(resting))


def _note(db: Writing, site: Site, upload_id: int, is_there: bool) -> None:
    row, now = uploads.find(db, upload_id), site.wall_clock()
    if row is None or (row.missing_at is None) == is_there:
        return
    uploads.note_missing(db, upload_id, None if is_there else now)
    if not is_there:
        logger.warning("the file of upload %d is not, or not whole, on the disk any more", upload_id)
        events.append(db, "upload.missing", station=row.station, happened_at=now, recorded_at=now, data=told_of(row))


def _files_of(site: Site) -> dict[int, tuple[int, float]]:
    """(bytes, seconds since it was written) of every file that has the name of an upload."""
    now = time.time()
    found = {}
    with contextlib.suppress(FileNotFoundError):
        for entry in os.scandir(uploads_folder(site)):
            if entry.name.isascii() and entry.name.isdecimal() and entry.is_file(follow_symlinks=False):
                with contextlib.suppress(FileNotFoundError):
                    status = entry.stat(follow_symlinks=False)
                    found[int(entry.name)] = (status.st_size, now - status.st_mtime)
    return found


def _resting(folder: Path) -> Iterator[Path]:
    """What was being received when something was killed."""
    oldest = time.time() - _RESTING_SECONDS
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):
            if path.lstat().st_mtime < oldest and not path.is_dir():
                yield path


def _has_size(path: Path, size: int) -> bool:
    try:
        return path.stat().st_size == size
    except OSError:
        return False


def _remove_all(paths: list[Path]) -> None:
    for path in paths:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
