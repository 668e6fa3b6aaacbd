"""Rows of fleet managers' commands: begun once, forgotten by age and number, doubted after a restore."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.model.fleet_commands import Command, Term
from gateway.model.instants import Instant, seconds_later
from gateway.store import expiry, fleet_commands, migrations
from gateway.store.fleet_commands import NewRow
from gateway.store.writing import Writing
from tests.unit.store.opened_database import CP, NOW
from tests.unit.store.test_expiry import NEVER, deleted_some

COMMAND = Command("1", "ocpp.call", CP, 2, {"action": "Reset", "payload": {"type": "Hard"}})
BODY = fleet_commands.body_of(COMMAND)
SOON = Term(seconds_later(NOW, 60), "0123abcd", 5, by_clock=True, believable=False)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Writing]:
    connection = migrations.open_for_writing(tmp_path / "gateway.db")
    yield Writing(connection)
    connection.close()


def accepted(db: Writing, command_id: str = "1", *, now: Instant = NOW, size_bytes: int = 10, key: str = "k") -> int:
    new = NewRow("fleet", command_id, "ocpp.call", CP, "fleet:fleet", "d", size_bytes, b"x", "queue", key, SOON)
    fleet_commands.insert(db, new, status="accepted", result={"id": command_id}, now=now, body=BODY)
    row = fleet_commands.find(db, "fleet", command_id)
    assert row is not None
    return row.number


def ids(db: Writing) -> list[str]:
    return [command_id for (command_id,) in db.execute("SELECT id FROM fleet_commands ORDER BY number")]


def test_what_was_noted_is_found(db: Writing) -> None:
    number = accepted(db)
    row = fleet_commands.at(db, number)
    assert row is not None and fleet_commands.unfinished(db) == [row]
    assert (row.upstream, row.id, row.station, row.if_offline, row.digest) == ("fleet", "1", CP, "queue", "d")
    assert (row.received_at, row.term, row.correlation) == (NOW, SOON, b"x")
    assert (row.status, row.result, row.finished_at) == ("accepted", {"id": "1"}, None)
    assert fleet_commands.find(db, "other", "1") is None
    assert fleet_commands.at(db, number + 1) is None


def test_it_begins_once_and_nothing_is_kept_then(db: Writing) -> None:
    number = accepted(db)
    assert fleet_commands.waiting_with(db, "fleet", "k")
    body = fleet_commands.begin(db, number, {"status": "running"})
    assert body is not None
    assert fleet_commands.with_body(Command("1", "ocpp.call", CP), body) == COMMAND
    assert fleet_commands.begin(db, number, {}) is None
    assert db.execute("SELECT status, body FROM fleet_commands").fetchall() == [("running", None)]
    assert fleet_commands.waiting_with(db, "fleet", "k") == []
    fleet_commands.wait_again(db, number, COMMAND, {"status": "accepted"})
    assert fleet_commands.begin(db, number, {}) == body
    fleet_commands.finish(db, number, status="succeeded", result={"a": 1}, now=NOW)
    fleet_commands.wait_again(db, number, COMMAND, {})
    assert fleet_commands.begin(db, number, {}) is None, "it has ended"
    row = fleet_commands.at(db, number)
    assert row is not None and (row.status, row.result, row.finished_at) == ("succeeded", {"a": 1}, NOW)


def test_what_an_upstream_has_waiting_is_measured(db: Writing) -> None:
    first = accepted(db, "1", size_bytes=30)
    accepted(db, "2", size_bytes=4)
    assert fleet_commands.size_of_unfinished(db, "fleet") == (2, 34)
    assert fleet_commands.size_of_unfinished(db, "other") == (0, 0)
    fleet_commands.finish(db, first, status="failed", result={}, now=NOW)
    assert fleet_commands.size_of_unfinished(db, "fleet") == (1, 4)


def test_ids_are_forgotten_by_age_once_they_have_ended(db: Writing) -> None:
    for command_id, age_seconds in (("old", 10), ("old, waits", 10), ("new", 0)):
        number = accepted(db, command_id, now=seconds_later(NOW, -age_seconds))
        if command_id != "old, waits":
            fleet_commands.finish(db, number, status="succeeded", result={}, now=NOW)
    assert deleted_some(db, replace(NEVER, commands=NOW), most=100) == 1
    assert ids(db) == ["old, waits", "new"]
    assert expiry.delete_oldest_beside_journal(db, most=100) == 0, "a full disk is no reason to do a thing twice"


def test_of_very_many_the_oldest_are_forgotten_at_once(db: Writing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet_commands, "MOST_REMEMBERED", 3)
    for number in range(6):
        row = accepted(db, str(number))
        if number != 1:
            fleet_commands.finish(db, row, status="succeeded", result={}, now=NOW)
    assert ids(db) == ["1", "3", "4", "5"]


def test_after_a_restore_nothing_of_before_is_begun(db: Writing) -> None:
    waits, over = accepted(db, "1"), accepted(db, "2")
    fleet_commands.finish(db, over, status="succeeded", result={}, now=NOW)
    fleet_commands.doubt_everything(db, NOW)
    assert fleet_commands.begin(db, waits, {}) is None
    assert db.execute("SELECT status, body FROM fleet_commands ORDER BY number").fetchall() == [
        ("running", None),
        ("succeeded", None),
    ]
