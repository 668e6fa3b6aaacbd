"""Rows of reservations: what is found when, and what the schema does not allow."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.model.identities import CommandId, ConnectorId, FoldedTag, StationId
from gateway.model.instants import Instant, seconds_later
from gateway.store import migrations, reservations
from gateway.store.reservations import Request
from gateway.store.writing import Writing
from tests.unit.store.opened_database import CP, NOW

LATER = seconds_later(NOW, 60)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Writing]:
    connection = migrations.open_for_writing(tmp_path / "gateway.db")
    yield Writing(connection)
    connection.close()


def ask(db: Writing, number: int, *, reservation_id: int | None = None, expiry_at: Instant = LATER) -> int:
    request = Request(reservation_id or number, ConnectorId(1), "Tag", FoldedTag("tag"), None, expiry_at, None)
    reservations.ask(db, CommandId(f"c{number}"), CP, request, now=NOW)
    asked = reservations.find_asked(db, CommandId(f"c{number}"))
    assert asked is not None
    return asked.number


def test_from_asking_to_the_end(db: Writing) -> None:
    number = ask(db, 5)
    (asked,) = reservations.active(db, CP)
    assert (asked.standing, asked.reservation_id, asked.clock_lag, asked.expiry_at) == ("asked", 5, None, LATER)
    assert reservations.next_expiry(db) is None, "its answer is waited for"
    reservations.set_in_force(db, number)
    reservations.set_shown(db, number, 1)
    assert reservations.find_asked(db, CommandId("c5")) is None
    assert (reservations.next_expiry(db), reservations.due(db, NOW)) == (LATER, [])
    assert [one.shown_on for one in reservations.due(db, LATER)] == [1]
    reservations.end(db, number, "freed", now=NOW)
    assert reservations.active(db, CP) == reservations.due(db, LATER) == []
    assert len(reservations.ended_by_status(db, CP, since=NOW, now=NOW)) == 1
    assert reservations.ended_by_status(db, CP, since=seconds_later(NOW, 1), now=NOW) == []
    assert reservations.ended_by_status(db, CP, since=NOW, now=LATER) == []
    reservations.set_in_force(db, number)
    reservations.end(db, number, "expired", now=LATER)
    assert len(reservations.expired_after(db, CP, NOW)) == 1
    assert reservations.expired_after(db, CP, LATER) == []
    reservations.use(db, number, 7, now=NOW)
    (used,) = reservations.with_id(db, CP, 5)
    assert (used.standing, used.ended_why) == ("used", None)
    assert reservations.with_id(db, StationId("CP2"), 5) == []


def test_an_answer_that_is_long_overdue(db: Writing) -> None:
    ask(db, 1)
    assert reservations.due(db, seconds_later(LATER, 3599)) == []
    assert len(reservations.due(db, seconds_later(LATER, 3600))) == 1


def test_what_stood_in_a_restored_backup_is_uncertain(db: Writing) -> None:
    ask(db, 1)
    forgotten = ask(db, 2)
    reservations.set_in_force(db, ask(db, 3))
    reservations.forget(db, forgotten)
    reservations.doubt_everything(db, LATER)
    assert [one.standing for one in reservations.active(db, CP)] == ["uncertain", "uncertain"]


def test_a_station_holds_one_of_an_id(db: Writing) -> None:
    reservations.set_in_force(db, ask(db, 1, reservation_id=7))
    with pytest.raises(sqlite3.IntegrityError):
        reservations.set_in_force(db, ask(db, 2, reservation_id=7))
