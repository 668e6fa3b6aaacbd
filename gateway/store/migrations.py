"""Opening the database file: is it ours, is it whole, is it up to date.

Migrations are numbered SQL files, forward only, each in one transaction with `user_version`. A database newer than the
program, a foreign file and a damaged file are refused with a sentence that says what to do. A migration is rehearsed
on a copy before it touches the file.
"""

from __future__ import annotations

import re
import secrets
import sqlite3
from importlib import resources
from pathlib import Path

from gateway.store import rehearsal

APPLICATION_ID = 0x4F435047  # "OCPG"
# Looking through a database takes a second per few hundred megabytes. A larger one than this is looked through in the
# background after the start (`keep_house.check_integrity`), so that stations are not kept waiting.
LARGE_DATABASE_BYTES = 64_000_000
# Small pages: on a quiet site nearly every message is a commit of its own, and a commit writes whole pages.
PAGE_BYTES = 1024


class UnusableDatabase(Exception):
    """The file cannot be used; the text says why and what to do."""


class NewerDatabase(UnusableDatabase):
    """The file is of a newer program."""


class CannotMigrate(UnusableDatabase):
    """The file is of an older program, as it was; this program cannot bring it to its own version."""


def open_for_writing(path: Path) -> sqlite3.Connection:
    """The writer's connection, migrated, in WAL with synchronous=FULL. Raises UnusableDatabase."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
    try:
        path.touch(mode=0o640)  # it holds hashes of passwords; the files beside it get the same mode
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=256)
        try:
            _prepare(connection, path)
        except BaseException:
            connection.close()
            raise
    except sqlite3.Error as error:
        raise UnusableDatabase(f"the database cannot be opened for writing: {error}") from error
    return connection


def newest_version() -> int:
    """The schema version this program brings."""
    return max(number for number, _ in _scripts())


def check(connection: sqlite3.Connection, *, thoroughly: bool = True) -> None:
    """Raise UnusableDatabase unless the file is ours, whole (if `thoroughly`), and not newer than this program."""
    try:
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        if tables and application != APPLICATION_ID:
            raise UnusableDatabase("the file is not a database of ocpp-gateway")
        if version > newest_version():
            raise NewerDatabase(
                f"the database has schema version {version}, this program knows {newest_version()}: "
                "install the newer program again, or restore a backup made before the upgrade"
            )
        (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone() if thoroughly else ("ok",)
    except sqlite3.DatabaseError as error:
        raise UnusableDatabase(f"the database is damaged ({error}): restore a backup") from error
    if verdict != "ok":
        raise UnusableDatabase(f"the database is damaged ({' '.join(verdict.split())}): restore a backup")


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the database to the newest version, one transaction per step."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    for number, script in _scripts():
        if number > version:
            connection.executescript(f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version = {number};\nCOMMIT;")
    connection.execute("INSERT OR IGNORE INTO meta VALUES ('epoch', ?)", (new_epoch(),))
    connection.execute("INSERT OR IGNORE INTO meta VALUES ('last_transaction_id', 0)")
    connection.execute("INSERT OR IGNORE INTO meta VALUES ('meter_indexed_upto', 0)")
    connection.execute("INSERT OR IGNORE INTO meta VALUES ('meter_index_swept_upto', 0)")
    connection.execute("INSERT OR IGNORE INTO meta VALUES ('age_judged_at', 0)")


def new_epoch() -> str:
    """A fresh random name for a journal: sequences may be compared only inside one epoch."""
    return secrets.token_hex(4)


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    try:
        check(connection, thoroughly=path.stat().st_size <= LARGE_DATABASE_BYTES)
    except NewerDatabase as error:
        raise NewerDatabase(f"{error}{_kept_copies(path)}") from None
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
    if version == 0:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA wal_autocheckpoint = 2000")
    connection.execute("PRAGMA journal_size_limit = 16777216")
    if 0 < version < newest_version():
        _rehearse(connection, path, version)
    migrate(connection)


def _kept_copies(path: Path) -> str:
    kept = sorted(rehearsal.kept_copies(path.parent, upto=newest_version()), key=lambda copy: -copy.stat().st_mtime)
    return f" ({', '.join(str(copy) for copy in kept)})" if kept else ""


def _rehearse(connection: sqlite3.Connection, path: Path, version: int) -> None:
    try:
        versions = (version, newest_version())
        rehearsal.rehearse(connection, path, versions=versions, migrate=migrate, large_bytes=LARGE_DATABASE_BYTES)
    except rehearsal.RehearsalFailed as error:
        raise CannotMigrate(
            f"this program cannot bring the database from schema version {version} to {newest_version()}: {error}. "
            "Nothing was changed: the program from before the upgrade goes on with it"
        ) from error


def _scripts() -> list[tuple[int, str]]:
    folder = resources.files("gateway.store") / "schema"
    found = []
    for file in folder.iterdir():
        match = re.fullmatch(r"(\d{4})_\w+\.sql", file.name)
        if match:
            found.append((int(match[1]), file.read_text("utf-8")))
    return sorted(found)
