"""The one writer: groups of units, each undone by itself, answered after the commit; and a disk that refuses."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from pathlib import Path

import pytest

from gateway.store import events
from gateway.store.database import Database, StoreUnavailable, open_database
from gateway.store.writing import Writing
from tests.unit.store.opened_database import NOW, look, opened_database, tells

NUMBERS = "SELECT sequence, json_extract(data, '$.number') FROM events ORDER BY id"


async def commits_of(database: Database) -> list[str | None]:
    """A list that grows with each batch: None, or why it failed."""
    commits: list[str | None] = []
    database.committed = commits.append
    return commits


async def test_what_arrives_together_is_committed_together(tmp_path: Path) -> None:
    async with opened_database(tmp_path) as database:
        commits = await commits_of(database)
        ids = await asyncio.gather(*(database.write(tells(number)) for number in range(500)))
        assert commits == [None]
        assert ids == list(range(1, 501))
        assert look(database.path, NUMBERS) == [(number + 1, number) for number in range(500)]


async def test_what_arrives_during_a_flush_is_the_next_group(tmp_path: Path) -> None:
    async with opened_database(tmp_path) as database:
        commits = await commits_of(database)
        loop = asyncio.get_running_loop()
        writes: list[asyncio.Task[int]] = []

        def slow(db: Writing) -> int:
            for number in range(1, 100):
                loop.call_soon_threadsafe(lambda n=number: writes.append(loop.create_task(database.write(tells(n)))))  # type: ignore[misc]
            asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop).result()
            return tells(0)(db)

        await database.write(slow)
        await asyncio.gather(*writes)
        assert len(commits) == 2
        assert len(look(database.path, NUMBERS)) == 100


async def test_a_group_is_bounded(tmp_path: Path) -> None:
    async with opened_database(tmp_path) as database:
        commits = await commits_of(database)
        await asyncio.gather(*(database.write(tells(number)) for number in range(4500)))
        assert commits == [None] * 3


async def test_the_answer_comes_after_the_commit(tmp_path: Path) -> None:
    async with opened_database(tmp_path) as database:
        seen: list[int] = []
        database.submit(tells(1), lambda result, error: seen.append(len(look(database.path, NUMBERS))))
        await database.write(tells(2))
        assert seen == [2]


async def test_what_follows_a_commit_comes_before_the_answers_and_not_for_failed_units(tmp_path: Path) -> None:
    async with opened_database(tmp_path) as database:
        told: list[str] = []

        def unit(name: str, *, fails: bool = False) -> None:
            def run(db: Writing) -> None:
                db.then.append(lambda: told.append(f"then {name}"))
                if fails:
                    raise ValueError(name)

            database.submit(run, lambda result, error: told.append(f"done {name} {error!r}"))

        unit("a")
        unit("b", fails=True)
        unit("c")
        await database.write(lambda db: None)
        assert told == ["then a", "then c", "done a None", "done b ValueError('b')", "done c None"]


async def test_a_failing_unit_undoes_only_itself_and_its_numbers(tmp_path: Path) -> None:
    def half(db: Writing) -> None:
        tells(99)(db)
        db.execute("INSERT INTO quirks VALUES ('CP1', 'q', 1, 1)")
        db.insert_late_rows()
        raise ValueError("half way")

    async with opened_database(tmp_path) as database:
        commits = await commits_of(database)
        units = [tells(1), half, tells(2), lambda db: db.execute("INSERT INTO stations VALUES (1)"), tells(3)]
        results = await asyncio.gather(*(database.write(unit) for unit in units), return_exceptions=True)
        assert isinstance(results[1], ValueError)
        assert isinstance(results[3], sqlite3.OperationalError)
        assert look(database.path, NUMBERS) == [(1, 1), (2, 2), (3, 3)]
        assert look(database.path, "SELECT count(*) FROM quirks") == [(0,)]
        assert commits == [None]


@pytest.mark.parametrize(
    "fault",
    [
        lambda db: db.execute("INSERT INTO meta VALUES ('epoch', 'again')"),
        lambda db: db.execute("no such statement"),
        lambda db: db.execute("SELECT ?"),
        lambda db: db.execute("INSERT INTO quirks VALUES ('a', 'b', 1, ?)", (2**63,)),
        lambda db: db.execute("SELECT zeroblob(2000000000)"),
        lambda db: db.execute("INSERT INTO quirks VALUES ('a', 'b', 'many', 1)"),
    ],
    ids=["constraint", "syntax", "parameters", "number too big", "value too big", "type"],
)
async def test_a_fault_of_the_unit_is_no_fault_of_the_store(tmp_path: Path, fault: object) -> None:
    async with opened_database(tmp_path) as database:
        results = await asyncio.gather(
            database.write(tells(1)),
            database.write(fault),
            database.write(tells(2)),
            return_exceptions=True,  # type: ignore[arg-type]
        )
        assert isinstance(results[1], Exception)
        assert not isinstance(results[1], StoreUnavailable)
        assert look(database.path, NUMBERS) == [(1, 1), (2, 2)]
        assert database.failure is None


async def test_a_failed_commit_fails_exactly_its_group(tmp_path: Path) -> None:
    async with opened_database(tmp_path) as database:
        commits = await commits_of(database)
        await database.write(tells(1))
        pages = await database.alone(lambda connection: connection.execute("PRAGMA page_count").fetchone()[0])
        await database.alone(lambda connection: connection.execute(f"PRAGMA max_page_count = {pages}").fetchall())

        def much(db: Writing) -> None:
            db.execute("INSERT INTO quarantine VALUES (1, 'CP1', 'a', 'r', 1, zeroblob(100000))")

        results = await asyncio.gather(
            database.write(tells(2)), database.write(much), database.write(tells(3)), return_exceptions=True
        )
        assert [type(result) for result in results] == [StoreUnavailable] * 3
        assert "full" in str(results[0])
        assert "full" in str(database.failure)
        assert look(database.path, NUMBERS) == [(1, 1)]
        await database.write(lambda db: db.execute("SELECT 1").fetchall())
        assert "full" in str(database.failure), "what only reads says nothing about the disk"
        await database.alone(lambda connection: connection.execute("PRAGMA max_page_count = 1000000").fetchall())
        await database.write(tells(4))
        assert database.failure is None
        assert look(database.path, NUMBERS) == [(1, 1), (2, 4)]
        assert [failure is None for failure in commits] == [True, False, True]


async def test_a_locked_file_is_a_refusal_of_the_store(tmp_path: Path) -> None:
    async with opened_database(tmp_path) as database:
        await database.alone(lambda connection: connection.execute("PRAGMA busy_timeout = 0"))
        other = sqlite3.connect(database.path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="locked"):
            await database.write(tells(1))
        other.execute("ROLLBACK")
        other.close()
        await database.write(tells(1))


async def test_closing_stores_what_waits(tmp_path: Path) -> None:
    database = await open_database(tmp_path / "gateway.db")
    writes = [asyncio.create_task(database.write(tells(number))) for number in range(5000)]
    await asyncio.sleep(0)
    closing = asyncio.create_task(database.close())
    async with asyncio.timeout(10):
        await asyncio.gather(*writes)
    await closing
    assert len(look(database.path, NUMBERS)) == 5000
    with pytest.raises(StoreUnavailable, match="closed"):
        await database.write(tells(1))


async def test_nobody_waits_any_more_but_the_unit_is_stored(tmp_path: Path) -> None:
    async with opened_database(tmp_path) as database:
        write = asyncio.create_task(database.write(tells(1)))
        await asyncio.sleep(0)
        write.cancel()
        with pytest.raises(asyncio.CancelledError):
            await write
        await database.write(tells(2))
        assert look(database.path, NUMBERS) == [(1, 1), (2, 2)]


async def test_one_who_cannot_take_the_answer_does_not_keep_it_from_the_others(tmp_path: Path) -> None:
    async with opened_database(tmp_path) as database:
        commits = await commits_of(database)
        complaints: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: complaints.append(context["exception"]))

        def stumbles(result: object, error: BaseException | None) -> None:
            raise KeyError("my fault")

        write = asyncio.create_task(database.write(tells(1)))
        await asyncio.sleep(0)
        database.submit(tells(2), stumbles)
        database.submit(lambda db: db.then.append(lambda: stumbles(None, None)), lambda result, error: None)
        async with asyncio.timeout(10):
            assert await asyncio.gather(write, database.write(tells(3))) == [1, 3]
        assert [type(complaint) for complaint in complaints] == [KeyError, KeyError]
        assert set(commits) == {None}


async def test_numbers_go_on_after_a_restart(tmp_path: Path) -> None:
    for start in (1, 3):
        async with opened_database(tmp_path) as database:
            assert [await database.write(tells(number)) for number in (0, 1)] == [start, start + 1]
    assert [row[0] for row in look(tmp_path / "gateway.db", NUMBERS)] == [1, 2, 3, 4]


async def test_streams_have_numbers_of_their_own_and_one_order(tmp_path: Path) -> None:
    def unit(db: Writing) -> None:
        for kind in ("station.booted", "authorization.decided", "station.booted"):
            events.append(db, kind, station="CP1", connector=1, happened_at=NOW, recorded_at=NOW, data={"ü": [1]})

    async with opened_database(tmp_path) as database:
        await database.write(unit)
        rows = look(database.path, "SELECT id, stream, sequence, data FROM events ORDER BY id")
    assert [row[:3] for row in rows] == [(1, "ops", 1), (2, "tx", 1), (3, "ops", 2)]
    assert json.loads(str(rows[0][3])) == {"ü": [1]}


async def test_an_unknown_kind_of_event_is_our_bug_and_stores_nothing(tmp_path: Path) -> None:
    async with opened_database(tmp_path) as database:
        with pytest.raises(KeyError):
            await database.write(
                lambda db: events.append(db, "no.such_kind", happened_at=NOW, recorded_at=NOW, data={})
            )
        assert look(database.path, NUMBERS) == []
