"""Each station's own sequence of each stream: without gaps through failures, retention, restarts and restores."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from gateway.model.identities import StationId
from gateway.model.instants import Instant
from gateway.rules.retention import Claims
from gateway.store import copies, events, journal_expiry, meter_frames, migrations, station_numbers
from gateway.store.database import Database, StoreUnavailable
from gateway.store.journal_expiry import Deleting
from gateway.store.writing import StationNumbers, Writing, newest_numbers
from tests.unit.store.opened_database import NOW, look, opened_database

Rows = list[tuple[object, ...]]


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with opened_database(tmp_path) as opened:
        yield opened


def tell(db: Writing, station: str | None, kind: str = "station.booted") -> None:
    events.append(db, kind, station=station, happened_at=NOW, recorded_at=NOW, data={})


def measure(db: Writing, station: str) -> None:
    meter_frames.append(db, StationId(station), 1, None, None, NOW, b"{}")


def numbers(path: Path) -> dict[str, list[object]]:
    """By stream and station: the numbers of its rows in the order of their ids."""
    found: dict[str, list[object]] = {}
    for name, number in look(
        path,
        """SELECT name, station_sequence FROM (
               SELECT id, stream || ' ' || coalesce(station, '-') AS name, station_sequence FROM events
               UNION ALL SELECT id, 'meter ' || station, station_sequence FROM meter_frames) ORDER BY id""",
    ):
        found.setdefault(str(name), []).append(number)
    return found


async def test_each_station_and_stream_counts_for_itself(database: Database) -> None:
    def unit(db: Writing) -> None:
        for station in ("A", "B", "A", None):
            tell(db, station)
        tell(db, "A", "transaction.started")
        measure(db, "A")
        measure(db, "A")

    await database.write(unit)
    await database.write(lambda db: tell(db, "A"))
    assert numbers(database.path) == {
        "ops A": [1, 2, 3], "ops B": [1], "ops -": [1], "tx A": [1], "meter A": [1, 2],
    }  # fmt: skip


async def test_a_unit_that_fails_gives_its_numbers_back(database: Database) -> None:
    def failing(db: Writing) -> None:
        tell(db, "A")
        measure(db, "A")
        raise ValueError("no")

    def good(db: Writing) -> None:
        tell(db, "A")
        measure(db, "A")

    outcomes = await asyncio.gather(
        *(database.write(unit) for unit in (good, failing, good, failing, failing, good)), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [type(None), ValueError, type(None), ValueError, ValueError,
                                                      type(None)]  # fmt: skip
    assert numbers(database.path) == {"ops A": [1, 2, 3], "meter A": [1, 2, 3]}


async def test_a_batch_that_is_rolled_back_gives_its_numbers_back(database: Database) -> None:
    def ill(db: Writing) -> None:
        tell(db, "A")
        db.insert_late_rows()
        raise sqlite3.OperationalError("disk I/O error")

    await database.write(lambda db: tell(db, "A"))
    with pytest.raises(StoreUnavailable):
        await database.write(ill)
    await database.write(lambda db: tell(db, "A"))
    assert numbers(database.path) == {"ops A": [1, 2]}


async def test_they_go_on_after_a_restart_with_and_without_a_note(tmp_path: Path) -> None:
    for noted in (False, True, False):
        async with opened_database(tmp_path) as database:
            await database.write(lambda db: (tell(db, "A"), measure(db, "A"), tell(db, None)))
            if noted:
                await database.write(station_numbers.note)
    assert numbers(tmp_path / "gateway.db") == {"ops A": [1, 2, 3], "meter A": [1, 2, 3], "ops -": [1, 2, 3]}


async def test_they_go_on_after_retention_took_the_rows_of_a_quiet_station(tmp_path: Path) -> None:
    async with opened_database(tmp_path) as database:
        await database.write(lambda db: [tell(db, one) for one in ("A", "A", "B", "B", "B")])
        await database.write(station_numbers.note)
        why = Deleting("disk_pressure", Claims(), 100, Instant(0))
        while (await database.write(lambda db: journal_expiry.delete_events(db, "ops", why))).gone:
            pass
        assert sum(map(len, numbers(tmp_path / "gateway.db").values())) < 5
    async with opened_database(tmp_path) as database:
        await database.write(lambda db: [tell(db, one) for one in ("A", "B")])
    found = numbers(tmp_path / "gateway.db")
    assert (found["ops A"][-1], found["ops B"][-1]) == (3, 4)


async def test_work_past_the_writer_lets_them_be_read_again(database: Database) -> None:
    await database.write(lambda db: tell(db, "A"))
    await database.alone(lambda connection: connection.execute("UPDATE events SET station_sequence = 41"))
    await database.write(lambda db: tell(db, "A"))
    assert numbers(database.path) == {"ops A": [41, 42]}


def test_a_new_life_counts_what_it_has_from_one(tmp_path: Path) -> None:
    with closing(migrations.open_for_writing(tmp_path / "gateway.db")) as connection:
        db = Writing(connection)
        for station in ("A", "B", "A", None, "A"):
            tell(db, station)
        measure(db, "A")
        measure(db, "A")
        db.insert_late_rows()
        station_numbers.note(db)
        connection.execute("DELETE FROM events WHERE id <= 2")
        connection.execute("BEGIN")
        newest = newest_numbers(connection)._replace(event_id=1000)
        writing = copies.begin_new_life(connection, newest=newest, last_transaction_id=5)
        tell(writing, "A")
        tell(writing, "B")
        measure(writing, "A")
        writing.insert_late_rows()
        connection.execute("COMMIT")
    assert numbers(tmp_path / "gateway.db") == {"ops A": [1, 2, 3], "ops B": [1], "ops -": [1], "meter A": [1, 2, 3]}
    sequences = look(tmp_path / "gateway.db", "SELECT sequence FROM events ORDER BY id")
    assert sequences == [(1,), (2,), (3,), (4,), (5,)]


def test_rows_of_before_this_version_have_no_number(tmp_path: Path) -> None:
    with closing(migrations.open_for_writing(tmp_path / "gateway.db")) as connection:
        connection.execute(
            "INSERT INTO events VALUES (1, 'ops', 1, 'k', 'A', NULL, 0, ?, '{}', NULL, NULL)", (Instant(0),)
        )
        told = StationNumbers()
        assert told.next(connection, "ops", "A") == 1
        told.rolled_back()
        assert told.next(connection, "ops", "A") == 1
        told.committed()
        told.committed()
        assert told.next(connection, "ops", "A") == 2
