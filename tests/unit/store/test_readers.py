"""Reading beside the writer: never waiting for it, never holding it up, never writing."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.store.database import Database
from gateway.store.readers import Readers
from tests.unit.store.opened_database import opened_database, tells

COUNT = "SELECT count(*) AS events FROM events"


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with opened_database(tmp_path) as opened:
        yield opened


@pytest.fixture
async def readers(database: Database) -> AsyncIterator[Readers]:
    pool = Readers(database.path)
    yield pool
    await pool.close()


async def seen(readers: Readers) -> int:
    row = await readers.row(COUNT)
    assert row is not None
    return int(row["events"])


async def test_what_is_committed_is_seen(database: Database, readers: Readers) -> None:
    for number in range(3):
        assert await seen(readers) == number
        await database.write(tells(number))
    rows = await readers.rows("SELECT sequence FROM events WHERE sequence > ? ORDER BY 1", (1,))
    assert [row[0] for row in rows] == [2, 3]
    assert await readers.row("SELECT 1 WHERE false") is None


async def test_reading_does_not_hold_up_writing_and_sees_one_moment(database: Database, readers: Readers) -> None:
    await database.write(tells(0))
    async with readers.reading() as connection:
        await connection.execute("BEGIN")
        first = await (await connection.execute(COUNT)).fetchone()
        await database.write(tells(1))
        assert await seen(readers) == 2
        again = await (await connection.execute(COUNT)).fetchone()
        assert first is not None and again is not None
        assert first[0] == again[0] == 1
    assert await asyncio.gather(*(seen(readers) for _ in range(10))) == [2] * 10


async def test_writing_does_not_hold_up_reading(database: Database, readers: Readers) -> None:
    reached, go_on = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def slow(db: object) -> None:
        loop.call_soon_threadsafe(reached.set)
        asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result()

    write = asyncio.create_task(database.write(slow))
    await reached.wait()
    assert await seen(readers) == 0
    go_on.set()
    await write


async def test_readers_cannot_write(readers: Readers) -> None:
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        await readers.rows("DELETE FROM events")
    assert await seen(readers) == 0


async def test_more_readers_than_connections_take_turns(readers: Readers) -> None:
    assert await asyncio.gather(*(seen(readers) for _ in range(50))) == [0] * 50
    assert len(readers._opened) <= 4


async def test_a_reader_that_is_cancelled_leaves_a_usable_connection(database: Database, readers: Readers) -> None:
    entered = asyncio.Event()

    async def begins_and_stays() -> None:
        async with readers.reading() as connection:
            await connection.execute("BEGIN")
            await connection.execute(COUNT)
            entered.set()
            await asyncio.Event().wait()

    for _ in range(6):
        entered.clear()
        task = asyncio.create_task(begins_and_stays())
        await entered.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    await database.write(tells(1))
    assert await asyncio.gather(*(seen(readers) for _ in range(8))) == [1] * 8
    assert len(readers._opened) <= 4
