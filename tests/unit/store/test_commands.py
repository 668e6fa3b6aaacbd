"""The inbox of commands, and remote starts that may still come about."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.model.identities import CommandId, FoldedTag, StationId
from gateway.model.instants import Instant
from gateway.store import commands, migrations
from gateway.store.writing import Writing
from tests.unit.store.opened_database import CP, NOW

ONE, TWO = CommandId("c1"), CommandId("c2")
TAG = FoldedTag("tag")


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Writing]:
    connection = migrations.open_for_writing(tmp_path / "gateway.db")
    yield Writing(connection)
    connection.close()


def accept(db: Writing, command_id: CommandId, actor: str = "operator") -> bool:
    return commands.accept(db, command_id, CP, action="Reset", request={"type": "Soft"}, actor=actor, now=NOW)


def test_a_command_is_taken_once(db: Writing) -> None:
    assert accept(db, ONE)
    assert not accept(db, ONE, actor="somebody else")
    assert db.execute("SELECT actor, status FROM commands").fetchall() == [("operator", "running")]


def test_a_command_ends_with_its_outcome(db: Writing) -> None:
    accept(db, ONE)
    commands.finish(db, ONE, status="answered", outcome={"status": "Accepted"}, now=Instant(NOW + 1))
    row = db.execute("SELECT status, outcome, finished_at FROM commands").fetchone()
    assert row == ("answered", '{"status": "Accepted"}', NOW + 1)


def test_what_ran_when_the_gateway_died_is_unknown(db: Writing) -> None:
    accept(db, ONE)
    accept(db, TWO)
    commands.finish(db, TWO, status="answered", outcome={}, now=NOW)
    assert commands.end_interrupted(db, now=Instant(NOW + 1)) == 1
    assert commands.end_interrupted(db, now=Instant(NOW + 2)) == 0
    rows = db.execute("SELECT status, finished_at FROM commands ORDER BY command_id").fetchall()
    assert rows == [("unknown", NOW + 1), ("answered", NOW)]


def expect(db: Writing, command_id: CommandId, connector: int | None, second: int = 0) -> None:
    now = Instant(NOW + second)
    commands.expect_remote_start(db, command_id, CP, connector=connector, folded_tag=TAG, now=now)


def expected(db: Writing) -> list[tuple[object, ...]]:
    return db.execute("SELECT command_id, connector, folded_tag, asked_at FROM remote_starts ORDER BY 1").fetchall()


def test_a_session_takes_the_oldest_start_that_fits(db: Writing) -> None:
    expect(db, TWO, None, second=1)
    expect(db, ONE, 1)
    assert commands.take_remote_start(db, StationId("CP2"), connector=1, folded_tag=TAG) is None
    assert commands.take_remote_start(db, CP, connector=1, folded_tag=FoldedTag("other")) is None
    assert [commands.take_remote_start(db, CP, connector=1, folded_tag=TAG) for _ in range(3)] == [ONE, TWO, None]


def test_a_start_for_another_connector_is_not_taken(db: Writing) -> None:
    expect(db, ONE, 2)
    assert commands.take_remote_start(db, CP, connector=1, folded_tag=TAG) is None
    assert expected(db) == [("c1", 2, "tag", NOW)]


def test_a_free_connector_drops_what_was_asked_for_it_before(db: Writing) -> None:
    expect(db, ONE, 1)
    expect(db, TWO, 2)
    assert commands.drop_remote_starts(db, CP, connector=1, asked_before=NOW) == 0
    assert commands.drop_remote_starts(db, CP, connector=1, asked_before=Instant(NOW + 1)) == 1
    assert [row[0] for row in expected(db)] == ["c2"]
    assert commands.drop_old_remote_starts(db, asked_before=Instant(NOW + 1)) == 1
    assert expected(db) == []


def test_a_command_that_came_to_nothing_is_not_expected(db: Writing) -> None:
    expect(db, ONE, 1)
    expect(db, TWO, 1)
    commands.drop_remote_start(db, ONE)
    assert [row[0] for row in expected(db)] == ["c2"]
