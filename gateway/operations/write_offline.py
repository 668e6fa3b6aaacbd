"""One unit of work straight in the database file, for the command line: whether or not the daemon runs.

SQLite keeps the two writers apart. It does not know what the unit does.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from gateway.store import durable_files, migrations
from gateway.store.writing import Writing

if TYPE_CHECKING:
    from gateway.configuration import Configuration

T = TypeVar("T")

COMMAND_LINE = "command line"  # the actor of what is done so

_PATIENCE_SECONDS = 30.0


def write_offline(configuration: Configuration, unit: Callable[[Writing], T]) -> T:
    """The unit's result when it is on disk; the file is made if needed. Raises UnusableDatabase, OSError."""
    path = configuration.data.directory / "gateway.db"
    try:
        with contextlib.closing(_open(path)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            with connection:
                writing = Writing(connection)
                result = unit(writing)
                writing.insert_late_rows()
    except sqlite3.Error as error:
        raise migrations.UnusableDatabase(f"the database cannot be written: {error}") from error
    finally:
        hand_over_database(path)
    return result


def hand_over_database(path: Path) -> None:
    """A database that root opened belongs to the daemon's user, with the files beside it."""
    for file in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
        with contextlib.suppress(FileNotFoundError):
            durable_files.hand_over(file)


def _open(path: Path) -> sqlite3.Connection:
    if not path.exists():
        return migrations.open_for_writing(path)
    connection = sqlite3.connect(path, isolation_level=None, timeout=_PATIENCE_SECONDS)
    try:
        if _is_current(connection):  # and perhaps in use: a whole check of a large file would only take time
            connection.execute("PRAGMA synchronous = FULL")
            return connection
    except sqlite3.DatabaseError:
        pass  # damaged or foreign: opening it properly says so in words
    connection.close()
    return migrations.open_for_writing(path)


def _is_current(connection: sqlite3.Connection) -> bool:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return bool(application == migrations.APPLICATION_ID and version == migrations.newest_version())
