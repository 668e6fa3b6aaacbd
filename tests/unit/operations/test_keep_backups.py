"""Backup and restore while no daemon runs, and what a restore promises about ids."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest

from gateway.operations.keep_backups import UnusableDatabase, back_up_offline, restore_offline
from gateway.operations.manage_tags import put_tag
from gateway.store import id_tags, transactions
from gateway.store.database import Database
from tests.unit.web.conftest import configuration_in, open_site


async def tags_in(directory: Path) -> list[str]:
    async with open_site(configuration_in(directory)) as site:
        found = await id_tags.page(site.readers, after="", limit=100, status=None, parent=None, containing=None)
    return [tag.id_tag for tag in found]


async def fill(directory: Path, tag: str, *, last_id: int) -> None:
    async with open_site(configuration_in(directory)) as site:
        await put_tag(site, tag, {}, actor="test")
        await site.database.write(lambda db: transactions.set_last_issued(db, last_id))


def meta(path: Path, name: str) -> object:
    connection = sqlite3.connect(path)
    (value,) = connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
    connection.close()
    return value


async def test_there_and_back(tmp_path: Path) -> None:
    await fill(tmp_path, "OLD", last_id=10)
    back_up_offline(configuration_in(tmp_path), tmp_path / "copy.db")
    before = (tmp_path / "copy.db").read_bytes()
    await fill(tmp_path, "NEW", last_id=20)
    epoch = restore_offline(configuration_in(tmp_path), tmp_path / "copy.db")
    assert await tags_in(tmp_path) == ["OLD"]
    assert meta(tmp_path / "gateway.db", "epoch") == epoch != meta(tmp_path / "copy.db", "epoch")
    assert meta(tmp_path / "gateway.db", "last_transaction_id") == 20
    assert (tmp_path / "copy.db").read_bytes() == before
    assert [file.name.partition("-2")[0] for file in (tmp_path / "backups").iterdir()] == ["before-restore"]


async def test_a_backup_from_a_site_that_was_ahead_keeps_its_ids(tmp_path: Path) -> None:
    there, here = tmp_path / "there", tmp_path / "here"
    there.mkdir(), here.mkdir()
    await fill(there, "OTHER", last_id=500)
    back_up_offline(configuration_in(there), tmp_path / "copy.db")
    await fill(here, "OWN", last_id=3)
    restore_offline(configuration_in(here), tmp_path / "copy.db")
    assert meta(here / "gateway.db", "last_transaction_id") == 500
    assert await tags_in(here) == ["OTHER"]


async def test_ids_of_reservations_go_on_and_what_stood_is_uncertain(tmp_path: Path) -> None:
    def rows(sql: str) -> list[tuple[object, ...]]:
        with contextlib.closing(sqlite3.connect(tmp_path / "gateway.db")) as connection:
            found: list[tuple[object, ...]] = connection.execute(sql).fetchall()
            connection.commit()
            return found

    counts = "SELECT station, value FROM numbers_given ORDER BY station"
    await fill(tmp_path, "A", last_id=1)
    rows("INSERT INTO numbers_given VALUES ('CP-1', 'reservation', 5), ('CP-2', 'reservation', 5)")
    rows(
        "INSERT INTO reservations (command_id, station, reservation_id, connector, id_tag, folded_tag, expiry_at,"
        " asked_at, standing) VALUES ('c', 'CP-1', 5, 1, 'T', 't', 9e15, 1, 'in_force')"
    )
    back_up_offline(configuration_in(tmp_path), tmp_path / "copy.db")
    rows("UPDATE numbers_given SET value = 9 WHERE station = 'CP-1'")
    rows("INSERT INTO numbers_given VALUES ('CP-3', 'reservation', 2)")
    restore_offline(configuration_in(tmp_path), tmp_path / "copy.db")
    assert rows(counts) == [("CP-1", 9), ("CP-2", 5), ("CP-3", 2)]
    assert rows("SELECT standing FROM reservations") == [("uncertain",)]
    (tmp_path / "gateway.db").write_bytes(b"broken" * 5000)
    restore_offline(configuration_in(tmp_path), tmp_path / "copy.db")
    assert rows(counts) == [("CP-1", 1_000_005), ("CP-2", 1_000_005)]


async def test_a_restore_onto_an_empty_machine(tmp_path: Path) -> None:
    there, here = tmp_path / "there", tmp_path / "here"
    there.mkdir()
    await fill(there, "A", last_id=7)
    back_up_offline(configuration_in(there), tmp_path / "copy.db")
    restore_offline(configuration_in(here), tmp_path / "copy.db")
    assert await tags_in(here) == ["A"]


async def test_a_damaged_database_is_set_aside(tmp_path: Path) -> None:
    await fill(tmp_path, "OLD", last_id=10)
    back_up_offline(configuration_in(tmp_path), tmp_path / "copy.db")
    damaged = b"broken" * 5000
    (tmp_path / "gateway.db").write_bytes(damaged)
    restore_offline(configuration_in(tmp_path), tmp_path / "copy.db")
    assert await tags_in(tmp_path) == ["OLD"]
    (kept,) = (tmp_path / "backups").glob("damaged-*.db")
    assert kept.read_bytes() == damaged
    last_id = meta(tmp_path / "gateway.db", "last_transaction_id")
    assert isinstance(last_id, int) and last_id > 1_000_000


async def test_a_foreign_file_changes_nothing(tmp_path: Path) -> None:
    await fill(tmp_path, "A", last_id=1)
    epoch = meta(tmp_path / "gateway.db", "epoch")
    (tmp_path / "foreign").write_text("hello")
    with pytest.raises(UnusableDatabase, match="not an SQLite database"):
        restore_offline(configuration_in(tmp_path), tmp_path / "foreign")
    assert meta(tmp_path / "gateway.db", "epoch") == epoch
    assert list((tmp_path / "backups").iterdir()) == []


@pytest.mark.parametrize(
    "change",
    [
        "DROP INDEX commands_by_time; CREATE INDEX commands_by_time ON commands (actor)",
        "DROP TABLE knocks; CREATE TABLE knocks (station TEXT PRIMARY KEY, address, times, first_seen, last_seen)",
        "CREATE TRIGGER extra AFTER INSERT ON tokens BEGIN DELETE FROM id_tags; END",
    ],
)
async def test_a_file_with_other_tables_of_our_names_changes_nothing(tmp_path: Path, change: str) -> None:
    await fill(tmp_path, "A", last_id=1)
    back_up_offline(configuration_in(tmp_path), tmp_path / "copy.db")
    with contextlib.closing(sqlite3.connect(tmp_path / "copy.db")) as copy:
        copy.executescript(change)
    with pytest.raises(UnusableDatabase, match="other tables"):
        restore_offline(configuration_in(tmp_path), tmp_path / "copy.db")


async def test_a_backup_never_overwrites_a_file(tmp_path: Path) -> None:
    await fill(tmp_path, "A", last_id=1)
    (tmp_path / "precious").write_text("mine")
    with pytest.raises(FileExistsError):
        back_up_offline(configuration_in(tmp_path), tmp_path / "precious")
    assert (tmp_path / "precious").read_text() == "mine"


async def test_the_writer_goes_on_while_a_backup_is_made(tmp_path: Path) -> None:
    async with open_site(configuration_in(tmp_path)) as site:
        await put_tag(site, "A", {}, actor="test")
        database: Database = site.database

        def in_the_middle(connection: sqlite3.Connection) -> None:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("UPDATE id_tags SET note = 'not committed'")
            back_up_offline(configuration_in(tmp_path), tmp_path / "copy.db")
            connection.execute("COMMIT")

        await database.alone(in_the_middle)
    copy = sqlite3.connect(tmp_path / "copy.db")
    assert copy.execute("SELECT note FROM id_tags").fetchall() == [("",)]
    copy.close()


SENT = "INSERT INTO limits_sent (number, station, connector, amps, lease_seconds, sent_at, accepted_at) VALUES "
FALLBACK = "INSERT INTO fallback_profiles VALUES ('CP-1', 1, 6, 1200, 1)"
MODE = "INSERT OR REPLACE INTO limiting VALUES ('CP-1', '{}', 1, 1, 'A', 0.1, 0, 'so', 1)"
LIMIT = "INSERT OR REPLACE INTO temporary_limits VALUES ('main', '{}', {}, 9, 9, NULL, 'somebody', 1)"


def told(directory: Path, *statements: str) -> None:
    with contextlib.closing(sqlite3.connect(directory / "gateway.db")) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def load_limits_in(directory: Path) -> tuple[list[tuple[object, ...]], ...]:
    """Limits for a time, the ledger, the fallback profiles believed in, and how stations are limited."""
    with contextlib.closing(sqlite3.connect(directory / "gateway.db")) as connection:
        return tuple(
            connection.execute(sql).fetchall()
            for sql in (
                "SELECT source, amps_1 FROM temporary_limits ORDER BY source",
                "SELECT amps, accepted_at FROM limits_sent ORDER BY number",
                "SELECT * FROM fallback_profiles",
                "SELECT mode FROM limiting",
            )
        )


async def test_a_restore_takes_back_nothing_that_load_limits_know_of_the_world(tmp_path: Path) -> None:
    await fill(tmp_path, "A", last_id=1)
    old = (LIMIT.format("dso", 10), LIMIT.format("fleet", 11), MODE.format("A"), FALLBACK)
    told(tmp_path, *old, SENT + "(1, 'CP-1', 1, 32, 600, 1, 1), (2, 'CP-1', 2, 8, 600, 1, 1)")
    back_up_offline(configuration_in(tmp_path), tmp_path / "copy.db")
    told(tmp_path, "DELETE FROM temporary_limits WHERE source = 'dso'", LIMIT.format("api", 20), MODE.format("B"))
    told(tmp_path, "DELETE FROM limits_sent", SENT + "(7, 'CP-1', 1, 16, 600, 1, 1), (8, 'CP-1', 1, 13, 600, 1, NULL)")
    restore_offline(configuration_in(tmp_path), tmp_path / "copy.db")
    limits = [("api", 20.0), ("fleet", 11.0)]
    assert load_limits_in(tmp_path) == (limits, [(16.0, None), (13.0, None)], [], [("B",)])


LOGGED = (
    "INSERT INTO limits_log (number, circuit, source, amps_1, amps_2, amps_3, set_by, set_at)"
    " VALUES ({}, 'main', '{}', 9, 9, 9, 'somebody', 1)"
)


def logged_in(directory: Path) -> list[tuple[object, ...]]:
    with contextlib.closing(sqlite3.connect(directory / "gateway.db")) as connection:
        return connection.execute("SELECT source, ended_why FROM limits_log ORDER BY number").fetchall()


async def test_a_restore_forgets_no_limit_that_there_was(tmp_path: Path) -> None:
    await fill(tmp_path, "A", last_id=1)
    told(tmp_path, LOGGED.format(1, "dso"), LOGGED.format(2, "fleet"))
    back_up_offline(configuration_in(tmp_path), tmp_path / "copy.db")
    ended = "UPDATE limits_log SET ended_at = 5, ended_why = 'removed' WHERE source = 'dso'"
    told(tmp_path, ended, LOGGED.format(3, "dso"))
    restore_offline(configuration_in(tmp_path), tmp_path / "copy.db")
    assert logged_in(tmp_path) == [("dso", "removed"), ("fleet", None), ("dso", None)]
    other = tmp_path / "other"
    other.mkdir()
    await fill(other, "B", last_id=1)
    told(other, LOGGED.format(1, "api"), LOGGED.format(2, "dso"))
    restore_offline(configuration_in(other), tmp_path / "copy.db")
    assert logged_in(other) == [("fleet", None), ("api", None), ("dso", None)]


async def test_what_another_machine_knew_stays_beside_what_this_one_knows(tmp_path: Path) -> None:
    there, here = tmp_path / "there", tmp_path / "here"
    there.mkdir(), here.mkdir()
    await fill(there, "A", last_id=1)
    await fill(here, "B", last_id=1)
    told(there, LIMIT.format("dso", 10), LIMIT.format("api", 11), MODE.format("A"), FALLBACK)
    told(there, SENT + "(1, 'CP-1', 1, 32, 600, 1, 1), (2, 'CP-1', 2, 8, 600, 1, 1)")
    told(here, LIMIT.format("api", 20), SENT + "(1, 'CP-1', 1, 16, 600, 1, 1)")
    back_up_offline(configuration_in(there), tmp_path / "copy.db")
    for _ in range(2):
        restore_offline(configuration_in(here), tmp_path / "copy.db")
        limits, ledger, fallbacks, modes = load_limits_in(here)
        assert (limits, fallbacks, modes) == ([("api", 20.0), ("dso", 10.0)], [], [("A",)])
        assert ledger[-1] == (16.0, None), "its number is known to a call under way"
        assert set(ledger) == {(32.0, None), (8.0, None), (16.0, None)}
    elsewhere = tmp_path / "elsewhere"
    restore_offline(configuration_in(elsewhere), tmp_path / "copy.db")
    assert load_limits_in(elsewhere)[:2] == ([("api", 11.0), ("dso", 10.0)], [(32.0, None), (8.0, None)])


async def test_over_a_damaged_database_the_limits_of_the_backup_hold(tmp_path: Path) -> None:
    await fill(tmp_path, "A", last_id=1)
    told(tmp_path, LIMIT.format("dso", 10), FALLBACK, SENT + "(1, 'CP-1', 1, 32, 600, 1, 1)")
    back_up_offline(configuration_in(tmp_path), tmp_path / "copy.db")
    (tmp_path / "gateway.db").write_bytes(b"broken" * 5000)
    restore_offline(configuration_in(tmp_path), tmp_path / "copy.db")
    assert load_limits_in(tmp_path) == ([("dso", 10.0)], [(32.0, None)], [], [])
