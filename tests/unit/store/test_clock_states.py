"""An event's state of the clock is the newest that was noted before it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.model.clocks import Quality
from gateway.store import clock_states, migrations
from gateway.store.writing import Writing
from tests.unit.store.opened_database import tells


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Writing]:
    connection = migrations.open_for_writing(tmp_path / "gateway.db")
    yield Writing(connection)
    connection.close()


def note(db: Writing, quality: Quality, error_ms: int = 1) -> None:
    clock_states.note(db, boot_id="b00t", quality=quality, error_ms=error_ms, offset_us=5)


def qualities(db: Writing, *event_ids: int) -> list[str | None]:
    return [state and state.quality for state in clock_states.of_events(db, event_ids)]


def test_a_state_holds_from_the_next_event_on(db: Writing) -> None:
    assert clock_states.newest(db) is None
    first = tells(1)(db)
    note(db, "unsynced")
    second, third = tells(2)(db), tells(3)(db)
    note(db, "synced")
    newest = clock_states.newest(db)
    assert newest is not None and newest.quality == "synced"
    fourth = tells(4)(db)
    db.insert_late_rows()
    assert qualities(db, first, second, third, fourth) == [None, "unsynced", "unsynced", "synced"]
    assert qualities(db, third) == ["unsynced"]
    assert qualities(db, fourth, second) == ["synced", "unsynced"]
    assert qualities(db) == []


def test_of_two_states_without_an_event_between_the_second_counts(db: Writing) -> None:
    note(db, "unsynced")
    note(db, "synced")
    assert qualities(db, tells(1)(db)) == ["synced"]
    assert db.execute("SELECT count(*) FROM clock_states").fetchone() == (1,)


def test_states_go_when_their_events_are_gone(db: Writing) -> None:
    ids = []
    for number in range(6):
        note(db, "synced", error_ms=number)
        ids.append(tells(number)(db))
    db.insert_late_rows()
    clock_states.forget(db)
    assert len(clock_states.of_events(db, ids)) == 6
    assert db.execute("SELECT count(*) FROM clock_states").fetchone() == (6,)
    db.execute("DELETE FROM events WHERE id <= ?", (ids[2],))
    clock_states.forget(db)
    assert db.execute("SELECT min(error_ms), count(*) FROM clock_states").fetchone() == (3, 3)
    db.execute("DELETE FROM events")
    clock_states.forget(db)
    newest = clock_states.newest(db)
    assert newest is not None and newest.error_ms == 5
