"""Copies of the database file: a consistent one while the writer goes on, and one made ready to take its place.

A copy that comes from outside is checked before anything of it is believed: our application id, a version this program
knows, undamaged, and exactly our tables (a foreign trigger would run inside our transactions).
"""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
from pathlib import Path

from gateway.store import dropped_ranges, durable_files, firmware_images, migrations, station_numbers, upstreams
from gateway.store.writing import Numbers, Writing, newest_numbers

_MAGIC = b"SQLite format 3\x00"

# What holds outside, whatever a backup says: limits that people set, what stations may be following, how they can be
# limited, which commands of fleet managers were taken in, and the log of limits. A backup knows only what was so once.
_PRESENT = ("temporary_limits", "limits_log", "limits_sent", "limiting", "fleet_commands")


def copy_file(source: Path, destination: Path) -> None:
    """Write a consistent copy of the database `source` to the new file `destination`; the writer is not held up."""
    with contextlib.closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as connection:
        copy_connection(connection, destination)


def copy_connection(source: sqlite3.Connection, destination: Path) -> None:
    """Write a consistent copy of an open database to a new file, readable by its owner only, and flush it."""
    os.close(os.open(destination, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    with contextlib.closing(sqlite3.connect(destination, isolation_level=None)) as copy:
        # one step: one read transaction, so the copy is of one moment and never starts over
        source.backup(copy, pages=-1)
        copy.execute("PRAGMA journal_mode = DELETE")
    durable_files.flush(destination)


def prepare(path: Path) -> None:
    """Make a foreign copy fit to be restored, in place. Raises UnusableDatabase and says why it is not."""
    expect_sqlite(path)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as copy:
        try:
            migrations.check(copy)
            (version,) = copy.execute("PRAGMA user_version").fetchone()
            if version == 0:
                raise migrations.UnusableDatabase("the file is empty: it is no backup")
            copy.execute("PRAGMA journal_mode = DELETE")
            migrations.migrate(copy)
            _expect_our_tables(copy)
            (page_bytes,) = copy.execute("PRAGMA page_size").fetchone()
            if page_bytes != migrations.PAGE_BYTES:  # a live database in WAL takes only pages of its own size
                copy.execute(f"PRAGMA page_size = {migrations.PAGE_BYTES}")
                copy.execute("VACUUM")
        except sqlite3.DatabaseError as error:
            raise migrations.UnusableDatabase(f"the file cannot be read as a backup ({error})") from error


def expect_sqlite(path: Path) -> None:
    """Raise UnusableDatabase unless the file begins as SQLite's files do."""
    with path.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            raise migrations.UnusableDatabase("the file is not an SQLite database")


def begin_new_life(copy: sqlite3.Connection, *, newest: Numbers, last_transaction_id: int) -> Writing:
    """Give a prepared copy a new epoch inside the open transaction; `newest` and the id are those of the life before.

    Sequences start at 1 in each epoch; event ids and transaction ids never run backwards. Answers what to append with.
    """
    own = newest_numbers(copy)
    tx = _renumber(copy, "events", "stream = 'tx'")
    ops = _renumber(copy, "events", "stream = 'ops'")
    meter = _renumber(copy, "meter_frames", "true")
    copy.execute(
        """INSERT INTO epochs_before (epoch, upto_event_id, tx_shift, ops_shift, meter_shift)
           VALUES (?, ?, ?, ?, ?)""",
        (_epoch(copy), own.event_id, tx, ops, meter),
    )
    station_numbers.renumber(copy)
    upstreams.begin_new_life(copy, shifts={"tx": tx, "ops": ops, "meter": meter})
    dropped_ranges.renumber(copy, {"tx": tx, "ops": ops, "meter": meter})
    copy.execute("UPDATE meta SET value = ? WHERE name = 'epoch'", (migrations.new_epoch(),))
    copy.execute("UPDATE meta SET value = ? WHERE name = 'last_transaction_id'", (last_transaction_id,))
    writing = Writing(copy)
    writing.go_on_from(newest_numbers(copy)._replace(event_id=max(own.event_id, newest.event_id)))
    return writing


def last_transaction_id(connection: sqlite3.Connection) -> int:
    """The newest transaction id ever given out, as far as this file knows."""
    (last,) = connection.execute("SELECT value FROM meta WHERE name = 'last_transaction_id'").fetchone()
    return int(last)


def keep_present(live: sqlite3.Connection, copy: sqlite3.Connection) -> None:
    """Let a prepared copy say of what holds outside what the live database says, which has the newest schema.

    A copy of this very life is an older state of it: its rows are gone. In one of another life, such as another
    machine's, rows that the live database has none in place of stay: a limit too many is the safe side.
    """
    if _epoch(live) == _epoch(copy):
        for table in _PRESENT:
            copy.execute(f"DELETE FROM {table}")
        upstreams.keep_acknowledged(live, copy)
    upstreams.keep_sessions(live, copy)
    firmware_images.keep_withdrawn(live, copy)
    for table in ("limits_log", "limits_sent", "fleet_commands"):
        # below all of the live ones, whose numbers are known to calls under way
        lowest, highest = copy.execute(f"SELECT min(min(number), 0), max(number) FROM {table}").fetchone()
        if highest is not None:
            copy.execute(f"UPDATE {table} SET number = number - ?", (highest - lowest + 1,))
    for table in _PRESENT:
        rows = live.execute(f"SELECT * FROM {table}").fetchall()
        if rows:
            copy.executemany(f"INSERT OR REPLACE INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)


def _epoch(connection: sqlite3.Connection) -> str:
    (epoch,) = connection.execute("SELECT value FROM meta WHERE name = 'epoch'").fetchone()
    return str(epoch)


def _renumber(copy: sqlite3.Connection, table: str, condition: str) -> int:
    """Shift the sequence so that the oldest kept row has 1; by how much. Ascending order keeps the numbers unique."""
    (oldest,) = copy.execute(f"SELECT coalesce(min(sequence), 1) FROM {table} WHERE {condition}").fetchone()
    if oldest > 1:
        copy.execute(f"UPDATE {table} SET sequence = sequence - ? WHERE {condition}", (oldest - 1,))
    return int(oldest) - 1


def _expect_our_tables(copy: sqlite3.Connection) -> None:
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as ours:
        migrations.migrate(ours)
        if _schema_of(copy) != _schema_of(ours):
            raise migrations.UnusableDatabase("the file has other tables than ocpp-gateway makes")


def _schema_of(connection: sqlite3.Connection) -> set[tuple[str, str, str]]:
    """(type, name, definition without comments, and with one kind of blank) of everything in the file."""
    rows = connection.execute(
        "SELECT type, name, coalesce(sql, '') FROM sqlite_schema WHERE name NOT LIKE 'sqlite_stat%'"
    )
    return {(kind, name, " ".join(re.sub(r"--[^\n]*", "", sql).split())) for kind, name, sql in rows}
