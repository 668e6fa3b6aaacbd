"""What happens before a migration touches the database: a copy is kept, and the migration is tried on another one.

`migration.json` beside the database stands from before the migration until the gateway opens its doors for the first
time with it. While it stands nothing has been answered since, and the copy that it names may take the database's
place (systemd/ocpp-gateway-start does that). What a migration does is not known here.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

from gateway.store import durable_files

NOTE_NAME = "migration.json"
_REHEARSAL_NAME = "rehearsal.db"
_PARTIAL_NAME = "before-migration.partial"
# A copy and its rehearsal stand beside the database at the same time; a migration may make a file larger.
_COPIES_NEEDED = 2.2
_AT_LEAST_BYTES = 20_000_000


class RehearsalFailed(Exception):
    """The migration was not begun and the database is as it was; the text says why."""


def rehearse(
    connection: sqlite3.Connection,
    path: Path,
    *,
    versions: tuple[int, int],
    migrate: Callable[[sqlite3.Connection], None],
    large_bytes: int,
) -> None:
    """Keep a copy of the database and try the migration on another; `versions`: (from, to). Raises RehearsalFailed.

    A database above `large_bytes` is looked through less thoroughly, as at every start.

    Afterwards `migration.json` stands: {"from", "to", "copy" (a name in `backups/`)}.
    """
    folder = path.parent / "backups"
    durable_files.make_folder(folder)
    for left in (_REHEARSAL_NAME, _PARTIAL_NAME):  # of a start that was cut off
        _discard(folder / left)
    _expect_room(path, folder)
    try:
        copy = _keep_copy(connection, folder, versions[0])
        _try_on_copy(copy, folder / _REHEARSAL_NAME, migrate, large_bytes)
        _note(path.parent, versions, copy)
    except OSError as error:
        raise RehearsalFailed(f"no copy can be made in {folder}: {error.strerror or error}") from error
    except sqlite3.Error as error:
        raise RehearsalFailed(f"tried on a copy, it failed ({error})") from error
    finally:
        _discard(folder / _REHEARSAL_NAME)


def kept_copies(directory: Path, *, upto: int) -> list[Path]:
    """The copies from before migrations that a program which knows schema version `upto` can read."""
    found = [
        (int(match[1]), copy)
        for copy in (directory / "backups").glob("before-migration-from-*.db")
        if (match := re.fullmatch(r"before-migration-from-(\d+)(?:\.\d+)?\.db", copy.name))
    ]
    return [copy for version, copy in sorted(found) if version <= upto]


def no_way_back(directory: Path) -> None:
    """From now on something may be answered: the copy from before the migration must not take the database's place."""
    durable_files.remove(directory / NOTE_NAME)


def _expect_room(path: Path, folder: Path) -> None:
    size = sum(one.stat().st_size for one in (path, path.with_name(f"{path.name}-wal")) if one.exists())
    needed = int(size * _COPIES_NEEDED) + _AT_LEAST_BYTES
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise RehearsalFailed(f"it needs {needed // 10**6 + 1} MB free in {folder}, and {free // 10**6} MB are")


def _keep_copy(connection: sqlite3.Connection, folder: Path, version: int) -> Path:
    """The newest two of a version stay: `before-migration-from-5.db`, and `before-migration-from-5.1.db` before it."""
    partial = folder / _PARTIAL_NAME
    _copy(connection, partial)
    durable_files.hand_over(partial)
    durable_files.flush_one(partial)
    kept = folder / f"before-migration-from-{version}.db"
    if kept.exists():
        kept.replace(folder / f"before-migration-from-{version}.1.db")
    partial.replace(kept)
    durable_files.flush_one(folder)
    return kept


def _try_on_copy(copy: Path, rehearsal: Path, migrate: Callable[[sqlite3.Connection], None], large_bytes: int) -> None:
    with contextlib.closing(sqlite3.connect(f"file:{copy}?mode=ro", uri=True)) as kept:
        _copy(kept, rehearsal)
    with contextlib.closing(sqlite3.connect(rehearsal, isolation_level=None)) as tried:
        tried.execute("PRAGMA synchronous = OFF")
        tried.execute("PRAGMA foreign_keys = ON")
        dangling = _dangling(tried)
        migrate(tried)
        looking = "quick_check" if rehearsal.stat().st_size > large_bytes else "integrity_check"
        (verdict,) = tried.execute(f"PRAGMA {looking}(1)").fetchone()
        if verdict != "ok":
            raise RehearsalFailed(f"tried on a copy, it damages the database ({' '.join(verdict.split())})")
        if _dangling(tried) > dangling:
            raise RehearsalFailed("tried on a copy, it leaves rows that refer to nothing")


def _dangling(connection: sqlite3.Connection) -> int:
    return len(connection.execute("PRAGMA foreign_key_check").fetchall())


def _copy(source: sqlite3.Connection, destination: Path) -> None:
    os.close(os.open(destination, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    with contextlib.closing(sqlite3.connect(destination, isolation_level=None)) as copy:
        source.backup(copy, pages=-1)
        copy.execute("PRAGMA journal_mode = DELETE")


def _note(directory: Path, versions: tuple[int, int], copy: Path) -> None:
    note = directory / NOTE_NAME
    if not note.exists():  # one that stands is of a migration that was cut off between two steps: its copy is older
        text = json.dumps({"from": versions[0], "to": versions[1], "copy": copy.name})
        durable_files.replace_text(note, f"{text}\n")


def _discard(path: Path) -> None:
    for name in (path.name, f"{path.name}-journal", f"{path.name}-wal", f"{path.name}-shm"):
        path.with_name(name).unlink(missing_ok=True)
