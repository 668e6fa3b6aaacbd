"""The next events of a stream: in order, bounded, of all streams, and where an instant is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gateway.model.identities import StationId
from gateway.model.instants import Instant
from gateway.store import events, meter_frames, migrations, outgoing_events
from gateway.store.readers import Readers
from gateway.store.writing import Writing
from tests.unit.store.opened_database import NOW


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Writing]:
    with closing(migrations.open_for_writing(tmp_path / "gateway.db")) as connection:
        yield Writing(connection)


def tell(db: Writing, number: int, *, text: str = "") -> None:
    """Number `number` of streams ops and meter, recorded then."""
    at = Instant(NOW + number)
    events.append(db, "station.booted", station="CP1", happened_at=NOW, recorded_at=at, data={"n": number, "t": text})
    meter_frames.append(db, StationId("CP1"), 2, None, None, at, f'{{"n": {number}, "t": "{text}"}}'.encode())


@pytest.mark.parametrize("stream", ["ops", "meter"])
def test_what_follows_in_order(db: Writing, stream: str) -> None:
    for number in range(1, 31):
        tell(db, number)
    for after in (0, 1, 7, 29, 30, 99):
        found = outgoing_events.after(db, stream, after, most=10)
        assert [one.sequence for one in found] == list(range(1, 31))[after : after + 10]
        assert all(one.station == "CP1" and one.station_sequence == one.sequence for one in found)
        assert all(f'"n": {one.sequence},' in one.data.decode().replace('"n":', '"n": ').replace("  ", " ")
                   for one in found)  # fmt: skip


@pytest.mark.parametrize("stream", ["ops", "meter"])
def test_over_what_was_deleted(db: Writing, stream: str) -> None:
    for number in range(1, 31):
        tell(db, number)
    db.insert_late_rows()
    for table, where in (("events", "stream = 'ops'"), ("meter_frames", "true")):
        db.execute(f"DELETE FROM {table} WHERE {where} AND (sequence < 4 OR sequence BETWEEN 10 AND 20)")
    kept = [*range(4, 10), *range(21, 31)]
    assert outgoing_events.oldest(db)[stream] == 4
    for after in range(31):
        found = outgoing_events.after(db, stream, after, most=100)
        assert [one.sequence for one in found] == [number for number in kept if number > after]


@pytest.mark.parametrize("stream", ["ops", "meter"])
def test_few_at_once_when_they_are_large(db: Writing, stream: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing_events, "_MOST_BYTES", 5000)
    for number in range(1, 8):
        tell(db, number, text="x" * 2000)
    assert [one.sequence for one in outgoing_events.after(db, stream, 1, most=100)] == [2, 3, 4]


@pytest.mark.parametrize("stream", ["ops", "meter"])
async def test_where_an_instant_is(db: Writing, stream: str, tmp_path: Path) -> None:
    readers = Readers(tmp_path / "gateway.db")
    assert await outgoing_events.sequence_since(readers, stream, NOW) is None
    for number in range(1, 6):
        tell(db, number)
    db.insert_late_rows()
    for since, sequence in ((-5, 1), (1, 1), (3, 3), (5, 5), (6, None)):
        assert await outgoing_events.sequence_since(readers, stream, Instant(NOW + since)) == sequence
    await readers.close()


def test_an_empty_journal(db: Writing) -> None:
    assert outgoing_events.newest(db) == {"tx": 0, "ops": 0, "meter": 0}
    assert outgoing_events.oldest(db) == {"tx": 1, "ops": 1, "meter": 1}
    assert outgoing_events.after(db, "meter", 0, most=5) == outgoing_events.after(db, "tx", 0, most=5) == []
    assert len(outgoing_events.epoch_of(db)) >= 8
