"""Who did what: only what has an actor, found by its index however long the journal is."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gateway.store import events, migrations
from gateway.store.reports_audit import AUDIT, Wanted
from gateway.store.writing import Writing
from tests.unit.store.opened_database import NOW, look
from tests.unit.store.test_migrations import DUMPS, restored


@pytest.mark.parametrize(
    ("actor", "kept"),
    [
        ("user Ann", "user Ann"),
        ("token 3 (desk)", "token 3 (desk)"),
        ("gateway", None),
        ("station", None),
        (None, None),
        (7, None),
        ("x" * 1000, "x" * 300),
    ],
)
def test_who_is_kept_beside_the_event(tmp_path: Path, actor: object, kept: str | None) -> None:
    with closing(migrations.open_for_writing(tmp_path / "gateway.db")) as connection:
        db = Writing(connection)
        events.append(db, "station.removed", happened_at=NOW, recorded_at=NOW, data={"actor": actor})
        db.insert_late_rows()
    assert look(tmp_path / "gateway.db", "SELECT actor FROM events") == [(kept,)]


def test_events_of_before_this_version_are_found_too(tmp_path: Path) -> None:
    path = restored(next(dump for dump in DUMPS if dump.stem == "version_5"), tmp_path / "old.db")
    with closing(sqlite3.connect(path)) as connection, connection:
        insert = "INSERT INTO events VALUES (?, 'ops', ?, 'k', NULL, NULL, 1, 1, ?, NULL)"
        texts = ('{"actor": "user Ann"}', '{"actor": "gateway"}', '{"actor": 5}', '{"actor": null}', "no JSON", "[]")
        connection.executemany(insert, [(100 + number, 100 + number, text) for number, text in enumerate(texts)])
    migrations.open_for_writing(path).close()
    assert look(path, "SELECT id, actor FROM events WHERE id >= 100 AND actor IS NOT NULL") == [(100, "user Ann")]


@pytest.mark.parametrize("wanted", [Wanted(), Wanted(actor="user Ann"), Wanted(before=7, begin=NOW, kind="k")])
def test_the_audit_reads_nothing_but_its_index(tmp_path: Path, wanted: Wanted) -> None:
    with closing(migrations.open_for_writing(tmp_path / "gateway.db")) as connection:
        plan = connection.execute(f"EXPLAIN QUERY PLAN {AUDIT}", wanted.parameters(100)).fetchall()
    told = [row[3] for row in plan]
    assert told == ["SEARCH events USING INDEX events_with_actor (id<?)"], "no sort, no scan of the journal"
