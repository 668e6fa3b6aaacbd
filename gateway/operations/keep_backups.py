"""Backup and restore: a consistent copy while everything runs, and the way back.

A restore begins a new epoch, because the journal's numbers of the life it ends may already be known elsewhere, and
never gives an id twice. What load limits know of the world outside stays as it is (`copies.keep_present`). What was
there before is kept in `backups/`. Whatever is refused leaves the live database untouched. Station certificates
(`pki/`), firmware and uploads are not in the database and not in the copy.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.model.instants import Instant, datetime_of
from gateway.operations.begin_again import doubt_everything, end_interrupted
from gateway.operations.write_offline import hand_over_database
from gateway.store import copies, durable_files, events, migrations, numbers_given
from gateway.store.migrations import UnusableDatabase
from gateway.store.writing import Numbers, newest_numbers

if TYPE_CHECKING:
    from gateway.configuration import Configuration
    from gateway.operations.site import Site

__all__ = [
    "CannotCopy",
    "UnusableDatabase",
    "back_up",
    "back_up_offline",
    "receiving_place",
    "restore",
    "restore_offline",
]

logger = logging.getLogger(__name__)

# When the damaged file no longer tells which ids it gave out, ids continue far beyond any that it can have reached.
_IDS_SKIPPED = 1_000_000


class CannotCopy(Exception):
    """A copy could not be written or read: no room, no permission, a broken disk. Nothing was changed."""


@asynccontextmanager
async def back_up(site: Site) -> AsyncIterator[Path]:
    """A consistent copy of the running database, gone again after the block. Raises CannotCopy."""
    with receiving_place(site) as path:
        with _trouble_with_copies():
            await asyncio.to_thread(copies.copy_file, site.database.path, path)
        yield path


@contextlib.contextmanager
def receiving_place(site: Site) -> Iterator[Path]:
    """The name of a file beside the backups that does not exist yet and is gone after the block."""
    path = _folder(site.configuration) / f".passing-{site.new_id()}.db"
    try:
        yield path
    finally:
        for suffix in ("", "-journal", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)


async def restore(site: Site, copy: Path, *, actor: str) -> str:
    """Put the database `copy` (changed on the way) in place of the live one; its new epoch.

    Raises UnusableDatabase, CannotCopy; then the live database is as it was.
    """
    now = site.wall_clock()
    kept = _folder(site.configuration) / _name_before_restore(now)
    with _trouble_with_copies():
        await asyncio.to_thread(copies.prepare, copy)
        epoch = await site.database.alone(lambda live: _replace(live, copy, kept=kept, actor=actor, now=now, site=site))
    logger.warning("database restored by %s; the state before is in %s", actor, kept)
    site.connected.forget_answers()
    # as after a restart: whoever is still known comes back, under the rules of the restored state
    for connection in site.connected.all().values():
        connection.drop()
    site.journal_signal.announce()
    site.fleet_commands.wake.announce()
    site.images.changed.announce()
    return epoch


def back_up_offline(configuration: Configuration, destination: Path) -> None:
    """Copy the database to the new file `destination`, daemon running or not. Raises UnusableDatabase, OSError."""
    with _trouble_with_files():
        copies.copy_file(configuration.data.directory / "gateway.db", destination)


def restore_offline(configuration: Configuration, source: Path) -> str:
    """Restore while no daemon runs, even over a damaged database; the new epoch. Raises UnusableDatabase, OSError."""
    live_path = configuration.data.directory / "gateway.db"
    now = Instant(time.time_ns() // 1000)
    folder = _folder(configuration)
    copy = folder / f".restoring-{os.getpid()}.db"
    try:
        with _trouble_with_files():
            copies.expect_sqlite(source)
            copies.copy_file(source, copy)
            copies.prepare(copy)
            epoch = _put_in_place(live_path, copy, folder=folder, now=now)
    finally:
        copy.unlink(missing_ok=True)
    hand_over_database(live_path)
    return epoch


def _put_in_place(live_path: Path, copy: Path, *, folder: Path, now: Instant) -> str:
    try:
        live = migrations.open_for_writing(live_path)
    except UnusableDatabase:
        return _take_place_of_damaged(live_path, copy, kept=folder / f"damaged-{_stamp(now)}.db", now=now)
    with contextlib.closing(live):
        return _replace(live, copy, kept=folder / _name_before_restore(now), actor="command line", now=now)


@contextlib.contextmanager
def _trouble_with_files() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise UnusableDatabase(f"the database cannot be copied: {error}") from error


@contextlib.contextmanager
def _trouble_with_copies() -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise CannotCopy(str(error)) from error


def _replace(
    live: sqlite3.Connection, copy_path: Path, *, kept: Path, actor: str, now: Instant, site: Site | None = None
) -> str:
    """Runs alone on the writer's connection: keep what is, finish the copy, and copy it in as one transaction."""
    copies.copy_connection(live, kept)
    newest, last_id, given = newest_numbers(live), copies.last_transaction_id(live), numbers_given.all_given(live)
    with contextlib.closing(sqlite3.connect(copy_path, isolation_level=None)) as copy:
        numbers_given.raise_to(copy, given)
        copies.keep_present(live, copy)
        epoch = _finish(copy, newest=newest, last_id=last_id, actor=actor, now=now, site=site)
        copy.backup(live, pages=-1)
    live.execute("PRAGMA wal_checkpoint(PASSIVE)")
    return epoch


def _finish(
    copy: sqlite3.Connection, *, newest: Numbers, last_id: int, actor: str, now: Instant, site: Site | None = None
) -> str:
    """Make the copy the next life; commands that ran when it was made end here, or (no `site`) at the next start."""
    copy.execute("BEGIN IMMEDIATE")
    with copy:
        (before,) = copy.execute("SELECT value FROM meta WHERE name = 'epoch'").fetchone()
        last = max(last_id, copies.last_transaction_id(copy))
        writing = copies.begin_new_life(copy, newest=newest, last_transaction_id=last)
        (epoch,) = copy.execute("SELECT value FROM meta WHERE name = 'epoch'").fetchone()
        if site is not None:
            end_interrupted(writing, site, now=now)
        doubt_everything(writing, now=now)
        data = {"epoch": epoch, "epoch_of_backup": before, "last_transaction_id": last, "actor": actor}
        events.append(writing, "gateway.restored", happened_at=now, recorded_at=now, data=data)
        writing.insert_late_rows()
    return str(epoch)


def _take_place_of_damaged(live_path: Path, copy_path: Path, *, kept: Path, now: Instant) -> str:
    newest, last_id, given = Numbers(0, 0, 0, 0), None, list[tuple[str, str, int]]()
    with contextlib.suppress(sqlite3.Error, TypeError), contextlib.closing(sqlite3.connect(live_path)) as damaged:
        last_id, given = copies.last_transaction_id(damaged), numbers_given.all_given(damaged)
        newest = newest_numbers(damaged)
    with contextlib.closing(sqlite3.connect(copy_path, isolation_level=None)) as copy:
        if last_id is None:
            last_id = copies.last_transaction_id(copy) + _IDS_SKIPPED
            given = [(station, name, last + _IDS_SKIPPED) for station, name, last in numbers_given.all_given(copy)]
        numbers_given.raise_to(copy, given)
        epoch = _finish(copy, newest=newest, last_id=last_id, actor="command line", now=now)
    durable_files.flush(copy_path)
    # Cut off at any of these steps, a database stands in its place: an empty one would be made if there were none.
    for suffix in ("-wal", "-shm"):
        file = live_path.with_name(live_path.name + suffix)
        if file.exists():
            file.rename(kept.with_name(kept.name + suffix))
    if live_path.exists():
        kept.hardlink_to(live_path)
    copy_path.replace(live_path)
    durable_files.flush(live_path)
    return epoch


def _folder(configuration: Configuration) -> Path:
    folder = configuration.data.directory / "backups"
    durable_files.make_folder(folder)
    return folder


def _name_before_restore(now: Instant) -> str:
    return f"before-restore-{_stamp(now)}.db"


def _stamp(now: Instant) -> str:
    return datetime_of(now).strftime("%Y%m%dT%H%M%S.%fZ")
