"""Decisions on record: what was packed is read again, the newest by then, pages, and records that are damaged."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.model.instants import Instant
from gateway.model.load_memory import ConnectorMemory, Memory
from gateway.rules.balance import decide
from gateway.store import load_decisions
from gateway.store.database import Database
from gateway.store.load_decisions import LoadRecord, Unreadable, pack, read_record, text_of_record
from gateway.store.readers import Readers
from gateway.store.reports_load_decisions import Recorded, newest_at, page
from tests.unit.rules.load_pictures import charging, picture
from tests.unit.store.opened_database import opened_database

SEEN = picture(charging(measured_amps=(1 / 3, 0.1 + 0.2, 15.9)), charging(2))
BEFORE = Memory({"CP/1": ConnectorMemory("one", (0, 1), old_cap_amps=2 / 3)})
RECORD = LoadRecord(SEEN, BEFORE, decide(SEEN, BEFORE)[1])


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with opened_database(tmp_path) as database:
        yield database


@pytest.fixture
async def readers(database: Database) -> AsyncIterator[Readers]:
    readers = Readers(database.path)
    yield readers
    await readers.close()


async def keep(database: Database, *moments: int) -> None:
    for at in moments:
        await database.write(lambda db, at=at: load_decisions.keep(db, RECORD, at=Instant(at), line=f"at {at}"))  # type: ignore[misc]


def test_a_record_is_read_as_it_was_to_the_last_bit() -> None:
    read = read_record(text_of_record(pack(RECORD)))
    assert read == RECORD and decide(read.picture, read.before)[1] == read.decision


@pytest.mark.parametrize("text", [b"", b"{}", b"[1", pack(RECORD)])
def test_what_is_no_record_is_unreadable(text: bytes) -> None:
    with pytest.raises(Unreadable):
        read_record(text)


async def test_the_newest_at_a_moment(database: Database, readers: Readers) -> None:
    await keep(database, 10, 30, 30, 20)
    found = [await newest_at(readers, Instant(at)) for at in (9, 10, 29, 30, 99)]
    assert [None if one is None else (one.decision_id, one.line) for one in found] == [
        None, (1, "at 10"), (4, "at 20"), (3, "at 30"), (3, "at 30"),
    ]  # fmt: skip
    assert found[1] is not None and read_record(found[1].text or b"") == RECORD


async def test_pages(database: Database, readers: Readers) -> None:
    await keep(database, 10, 20, 30, 40)

    async def ids(
        begin: int | None = None, end: int | None = None, before: int | None = None, limit: int = 9
    ) -> list[int]:
        first, last = None if begin is None else Instant(begin), None if end is None else Instant(end)
        found = await page(readers, begin=first, end=last, before=before, limit=limit, records=False)
        assert all(one.text is None for one in found)
        return [one.decision_id for one in found]

    assert await ids() == [4, 3, 2, 1]
    assert await ids(20, 40) == [3, 2]
    assert await ids(before=3, limit=1) == [2]
    (whole,) = await page(readers, begin=None, end=None, before=2, limit=1, records=True)
    assert read_record(whole.text or b"") == RECORD


async def test_a_damaged_record_is_listed_without_its_text(database: Database, readers: Readers) -> None:
    await keep(database, 10)
    await database.write(lambda db: db.execute("UPDATE load_decisions SET record = x'00'"))
    expected = Recorded(1, Instant(10), "at 10", None)
    assert await newest_at(readers, Instant(10)) == expected
    assert await page(readers, begin=None, end=None, before=None, limit=1, records=True) == [expected]
