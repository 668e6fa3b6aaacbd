"""An event that was in a restored backup tells the name under which it was first known, over any number of lives."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.model.instants import Instant
from gateway.store import events, migrations, outgoing_events
from gateway.store.writing import Writing


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Writing]:
    connection = migrations.open_for_writing(tmp_path / "gateway.db")
    yield Writing(connection)
    connection.close()


def tell(db: Writing, *sessions: int) -> None:
    for number in sessions:
        now = Instant(number)
        events.append(db, "transaction.started", happened_at=now, recorded_at=now, data={})


def names(db: Writing) -> dict[int, str | None]:
    return {event.sequence: event.previous_id for event in outgoing_events.after(db, "tx", 0, most=10)}


def test_over_two_lives(db: Writing) -> None:
    tell(db, 1, 2)
    assert names(db) == {1: None, 2: None}
    life = "INSERT INTO epochs_before (epoch, upto_event_id, tx_shift, ops_shift, meter_shift) VALUES (?, ?, ?, 0, 0)"
    db.execute(life, ("first", 2, 10))
    tell(db, 3)
    assert names(db) == {1: "first:tx:11", 2: "first:tx:12", 3: None}
    db.execute(life, ("second", 3, 100))
    tell(db, 4)
    assert names(db) == {1: "first:tx:111", 2: "first:tx:112", 3: "second:tx:103", 4: None}


def test_what_came_after_the_backup_has_no_other_name(db: Writing) -> None:
    db.execute(
        "INSERT INTO epochs_before (epoch, upto_event_id, tx_shift, ops_shift, meter_shift) VALUES ('a',0,0,0,0)"
    )
    tell(db, 1)
    assert names(db) == {1: None}
