"""Opening the file: new, known, newer, foreign, damaged; steps forward with a copy made before."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gateway.store import migrations
from gateway.store.database import open_database
from gateway.store.migrations import UnusableDatabase, open_for_writing
from tests.unit.store.opened_database import look, opened_database, tells

DUMPS = sorted((Path(__file__).parents[2] / "fixtures" / "databases").glob("version_*.sql"))


def contents(path: Path) -> dict[str, list[tuple[object, ...]]]:
    names = look(path, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY 1")
    return {str(name): look(path, f"SELECT * FROM {name} ORDER BY 1, 2") for (name,) in names}


def schema(path: Path) -> list[tuple[object, ...]]:
    return look(path, "SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY name")


def restored(dump: Path, path: Path) -> Path:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(dump.read_text("utf-8"))
    return path


def test_there_is_a_dump_of_every_version() -> None:
    versions = range(1, migrations.newest_version() + 1)
    assert [dump.stem for dump in DUMPS] == [f"version_{number}" for number in versions]


@pytest.mark.parametrize("dump", DUMPS, ids=lambda dump: dump.stem)
def test_every_released_version_is_opened_twice(tmp_path: Path, dump: Path) -> None:
    path = restored(dump, tmp_path / "old.db")
    before = contents(path)
    assert all(before.values()), "the dump has rows in every table"
    open_for_writing(path).close()
    once = contents(path), schema(path)
    open_for_writing(path).close()
    assert (contents(path), schema(path)) == once
    kept = zip(once[0]["transactions"], before["transactions"], strict=True)
    assert all(row[: len(old)] == old for row, old in kept), "columns may come, what bills stays"
    open_for_writing(tmp_path / "new.db").close()
    assert once[1] == schema(tmp_path / "new.db")


def test_a_new_file_is_ours_and_safe(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "gateway.db"
    connection = open_for_writing(path)
    pragmas = ("application_id", "user_version", "journal_mode", "synchronous", "foreign_keys", "page_size")
    values = [connection.execute(f"PRAGMA {pragma}").fetchone()[0] for pragma in pragmas]
    assert values == [migrations.APPLICATION_ID, migrations.newest_version(), "wal", 2, 1, migrations.PAGE_BYTES]
    meta = dict(connection.execute("SELECT * FROM meta"))
    assert (meta["last_transaction_id"], meta["meter_indexed_upto"], len(meta["epoch"])) == (0, 0, 8)
    connection.close()
    assert path.parent.stat().st_mode & 0o007 == 0


async def test_opening_again_keeps_everything(tmp_path: Path) -> None:
    async with opened_database(tmp_path) as database:
        await database.write(tells(1))
    before = contents(tmp_path / "gateway.db")
    async with opened_database(tmp_path):
        pass
    assert contents(tmp_path / "gateway.db") == before


def test_a_newer_database_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "gateway.db"
    connection = open_for_writing(path)
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    with pytest.raises(UnusableDatabase, match=r"version 999, this program knows \d+: install the newer program"):
        open_for_writing(path)
    assert look(path, "PRAGMA user_version") == [(999,)]


def test_a_foreign_database_is_refused_and_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "gateway.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")
    before = path.read_bytes()
    with pytest.raises(UnusableDatabase, match="not a database of ocpp-gateway"):
        open_for_writing(path)
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_refused_and_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "gateway.db"
    path.write_bytes(b"Dear diary, " * 1000)
    with pytest.raises(UnusableDatabase, match=r"damaged.*restore a backup"):
        open_for_writing(path)
    assert path.read_bytes() == b"Dear diary, " * 1000


def test_a_damaged_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "gateway.db"
    connection = open_for_writing(path)
    connection.executemany(
        "INSERT INTO quarantine (station, action, reason, recorded_at, body) VALUES ('a', 'b', 'c', 1, ?)",
        [(bytes(500),) for _ in range(200)],
    )
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    whole = path.read_bytes()
    middle = len(whole) // 2 // migrations.PAGE_BYTES * migrations.PAGE_BYTES
    path.write_bytes(whole[:middle] + b"\xa5" * migrations.PAGE_BYTES + whole[middle + migrations.PAGE_BYTES :])
    with pytest.raises(UnusableDatabase, match=r"damaged.*restore a backup"):
        open_for_writing(path)


def test_a_large_database_is_not_looked_through_at_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "gateway.db"
    open_for_writing(path).close()
    statements: list[str] = []

    def check(connection: sqlite3.Connection, *, thoroughly: bool = True) -> None:
        connection.set_trace_callback(statements.append)
        real_check(connection, thoroughly=thoroughly)

    real_check = migrations.check
    monkeypatch.setattr(migrations, "check", check)
    open_for_writing(path).close()
    assert any("quick_check" in statement for statement in statements)
    statements.clear()
    monkeypatch.setattr(migrations, "LARGE_DATABASE_BYTES", 1)
    open_for_writing(path).close()
    assert not any("quick_check" in statement for statement in statements)


def test_where_nothing_can_be_opened_the_sentence_says_so(tmp_path: Path) -> None:
    (tmp_path / "gateway.db").mkdir()
    with pytest.raises(UnusableDatabase, match="cannot be opened for writing: unable to open database file"):
        open_for_writing(tmp_path / "gateway.db")


async def test_a_refused_file_leaves_no_thread_behind(tmp_path: Path) -> None:
    (tmp_path / "gateway.db").write_bytes(b"x" * 5000)
    with pytest.raises(UnusableDatabase):
        await open_database(tmp_path / "gateway.db")
    await asyncio.sleep(0)


class TestStepsForward:
    """With a second step that does not exist yet."""

    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        path = tmp_path / "gateway.db"
        connection = open_for_writing(path)
        connection.execute("INSERT INTO quirks VALUES ('CP1', 'q', 1, 1)")
        connection.close()
        return path

    def step(self, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
        scripts = migrations._scripts()
        monkeypatch.setattr(migrations, "_scripts", lambda: [*scripts, (len(scripts) + 1, script)])

    def test_a_copy_is_made_before_a_step(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        version = migrations.newest_version()
        self.step(monkeypatch, "ALTER TABLE quirks ADD COLUMN note TEXT;")
        open_for_writing(path).close()
        open_for_writing(path).close()
        assert look(path, "PRAGMA user_version") == [(version + 1,)]
        assert look(path, "SELECT * FROM quirks") == [("CP1", "q", 1, 1, None)]
        copy = path.parent / "backups" / f"before-migration-from-{version}.db"
        assert look(copy, "SELECT * FROM quirks") == [("CP1", "q", 1, 1)]
        assert look(copy, "PRAGMA user_version") == [(version,)]
        assert copy.stat().st_mode & 0o777 == 0o600, "it holds hashes of passwords"

    def test_a_step_that_fails_changes_nothing(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        version = migrations.newest_version()
        self.step(monkeypatch, "ALTER TABLE quirks ADD COLUMN note TEXT;\nINSERT INTO no_such_table VALUES (1);")
        with pytest.raises(UnusableDatabase, match="no_such_table"):
            open_for_writing(path)
        assert look(path, "PRAGMA user_version") == [(version,)]
        assert look(path, "SELECT * FROM quirks") == [("CP1", "q", 1, 1)]
