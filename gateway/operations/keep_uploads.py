"""Keeps the files that stations upload: within their room, for their time, each under its number in `uploads/`.

Killed at any moment, a row never lacks its file: that is moved to its place first, under a number given before. What
is left without a row is swept away some time later. Which uploads go for new ones is decided by `rules.upload_room`,
what an upload means for the job that asked for it by `match_uploads`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from pathlib import Path

from firmware_store.tickets import NoRoom, Received
from gateway.configuration import Upstream
from gateway.model.clipping import clipped
from gateway.operations.match_uploads import name_told, note_arrival
from gateway.operations.site import Site
from gateway.operations.transfer_folders import INCOMING, UPLOADS, make_transfer_folders
from gateway.rules.transfer_addresses import safe_file_name, without_token
from gateway.rules.upload_room import Arriving, Budget, NotTaken, room_for
from gateway.store import events, transfer_links, uploads
from gateway.store.database import StoreUnavailable
from gateway.store.transfer_links import LinkRow
from gateway.store.uploads import UploadRow
from gateway.store.writing import Writing

FILES_PER_LINK = 20
_MEGABYTE = 1_000_000
# so much of the disk is left to the database, whatever the budgets say
_RESERVE_SHARE, _MOST_RESERVE_BYTES = 20, 500 * _MEGABYTE


def uploads_folder(site: Site) -> Path:
    """Where the files are."""
    return site.configuration.data.directory / UPLOADS


def incoming_folder(site: Site) -> Path:
    """Where files are received; it is there after the call, on the file system of their end."""
    make_transfer_folders(site.configuration.data.directory)
    return site.configuration.data.directory / INCOMING


def reserve_bytes(site: Site) -> int:
    """So much of the disk is left to the database."""
    return min(shutil.disk_usage(incoming_folder(site)).total // _RESERVE_SHARE, _MOST_RESERVE_BYTES)


def path_of(site: Site, upload_id: int) -> Path:
    """Where the file of an upload is."""
    return uploads_folder(site) / str(upload_id)


def forwarding_upstream(site: Site) -> Upstream | None:
    """The fleet manager to which uploads are forwarded: the first that says where to."""
    return next((one for one in site.configuration.upstreams if one.uploads_url is not None), None)


async def keep_upload(site: Site, received: Received) -> None:
    """Take a file over from where it was received; it is gone from there in any case. Raises NoRoom."""
    place: Path | None = None
    try:
        lacking = await asyncio.to_thread(_lacking_bytes, site)
        number = await _number_for(site, received, lacking)
        place = path_of(site, number)
        await asyncio.to_thread(_move, received.path, place)
        gone = await site.database.write(lambda db: _keep(db, site, received, number, lacking))
    except (NoRoom, OSError, StoreUnavailable) as error:
        site.health.counters.increase("uploads_total", result="refused")
        await asyncio.to_thread(_remove, received.path, place)
        if isinstance(error, StoreUnavailable):
            raise OSError(str(error)) from error
        raise
    site.health.counters.increase("uploads_total", result="kept")
    await asyncio.to_thread(_remove, *(path_of(site, upload_id) for upload_id in gone))


async def delete_upload(site: Site, upload_id: int, *, actor: str) -> bool:
    """Delete an upload, row and file; False when there is none."""
    removed = await site.database.write(lambda db: forget_upload(db, site, upload_id, why="asked", actor=actor))
    if removed:
        await asyncio.to_thread(_remove, path_of(site, upload_id))
    return removed


def forget_upload(db: Writing, site: Site, upload_id: int, *, why: str, actor: str | None = None) -> bool:
    """The row goes and it is told; the file is to be removed after the commit."""
    row = uploads.remove(db, upload_id)
    if row is None:
        return False
    data = {**told_of(row), "why": why, "actor": actor}
    now = site.wall_clock()
    events.append(db, "upload.deleted", station=row.station, happened_at=now, recorded_at=now, data=data)
    return True


def told_of(row: UploadRow) -> dict[str, object]:
    """The members that every event about an upload has."""
    names = ("upload_id", "kind", "reason", "command_id", "link_id", "file_name", "size", "sha256")
    return {name: getattr(row, name) for name in names}


async def _number_for(site: Site, received: Received, lacking: int) -> int:
    """The number under which the file can be put, if it will be kept. Raises NoRoom."""

    def unit(db: Writing) -> int:
        _decide(db, site, received, lacking)
        return uploads.next_number(db)

    while True:
        number = await site.database.write(unit)
        if not path_of(site, number).exists():  # a backup was restored: older numbers come again
            return number


def _decide(db: Writing, site: Site, received: Received, lacking: int) -> tuple[LinkRow, tuple[int, ...]]:
    """The link, and what goes for the new file. Raises NoRoom."""
    link = transfer_links.find(db, received.link_id)
    if link is None or link.kind == "image":
        raise NoRoom("nothing may be uploaded to this address")
    settings = site.configuration.firmware
    budget = Budget(
        one_file=settings.upload_limit_mb * _MEGABYTE,
        one_station=settings.station_uploads_limit_mb * _MEGABYTE,
        all_stations=settings.uploads_limit_mb * _MEGABYTE,
        files_per_link=FILES_PER_LINK,
        lacking=lacking,
    )
    decision = room_for(Arriving(link.station, link.link_id, received.size), uploads.held(db), budget)
    if isinstance(decision, NotTaken):
        raise NoRoom(decision.reason)
    return link, decision


def _keep(db: Writing, site: Site, received: Received, number: int, lacking: int) -> tuple[int, ...]:
    """The row, the event, and what it means for the job; returns which uploads went. Raises NoRoom."""
    now = site.wall_clock()
    link, gone = _decide(db, site, received, lacking)
    assert link.kind != "image"
    for upload_id in gone:
        forget_upload(db, site, upload_id, why="room")
    upstream = forwarding_upstream(site)
    said = without_token(received.file_name, transfer_links.token_digest_of(db, link.link_id))
    name = said or name_told(db, link.command_id)
    row = UploadRow(
        upload_id=number,
        link_id=link.link_id,
        station=link.station,
        kind=link.kind,
        reason=link.reason,
        command_id=link.command_id,
        file_name=safe_file_name(name, otherwise=link.kind),
        size=received.size,
        sha256=received.sha256,
        scheme=received.scheme,
        address=str(clipped(received.address, most_bytes=200)),
        received_at=now,
        forwarding=None if upstream is None else "waiting",
        forward_to=None if upstream is None else upstream.name,
        forward_at=None if upstream is None else now,
    )
    uploads.add(db, row)
    transfer_links.note_received(db, link.link_id, received.size, now)
    data = {**told_of(row), "scheme": row.scheme, "address": row.address, "empty": row.size == 0}
    events.append(db, "upload.received", station=row.station, happened_at=now, recorded_at=now, data=data)
    note_arrival(db, site, row, now)
    db.then.append(site.uploads_changed.announce)
    return gone


def _lacking_bytes(site: Site) -> int:
    """How much of the disk must become free before a file may be kept on it."""
    return max(0, reserve_bytes(site) - shutil.disk_usage(incoming_folder(site)).free)


def _move(source: Path, place: Path) -> None:
    """The file under its number, whatever happens next. Its content was flushed by whoever received it."""
    source.rename(place)
    with contextlib.suppress(PermissionError):  # it is the FTP server's, and our group may read it
        place.chmod(0o640)
    folder = os.open(place.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _remove(*paths: Path | None) -> None:
    """Remove files that are not needed any more; what cannot be removed now is swept away later."""
    for path in paths:
        if path is not None:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
