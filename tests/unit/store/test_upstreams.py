"""How far each upstream has the journal: kept, forgotten, and carried over a restore of a backup."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gateway.model.instants import Instant
from gateway.store import copies, events, migrations, outgoing_events, upstreams
from gateway.store.writing import Writing, newest_numbers
from tests.unit.store.opened_database import NOW


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Writing]:
    with closing(migrations.open_for_writing(tmp_path / "gateway.db")) as connection:
        yield Writing(connection)


def tell(db: Writing, count: int, kind: str = "transaction.started") -> None:
    for _ in range(count):
        events.append(db, kind, station="CP1", happened_at=NOW, recorded_at=NOW, data={})
    db.insert_late_rows()


def copied(db: Writing, path: Path) -> sqlite3.Connection:
    """A backup of it as of now."""
    copies.copy_connection(db.connection, path)
    return sqlite3.connect(path, isolation_level=None)


def restored(db: Writing, copy: sqlite3.Connection) -> Writing:
    """As a restore does it: what holds is kept, then a new life begins."""
    copies.keep_present(db.connection, copy)
    copy.execute("BEGIN IMMEDIATE")
    copies.begin_new_life(copy, newest=newest_numbers(db.connection), last_transaction_id=1)
    copy.execute("COMMIT")
    return Writing(copy)


def test_a_new_upstream_has_nothing_and_was_never_connected(db: Writing) -> None:
    assert upstreams.begin(db, "fleet") == upstreams.begin(db, "fleet") == (0, None)
    assert upstreams.acknowledged(db, "fleet") == {"tx": 0, "ops": 0, "meter": 0}
    assert upstreams.first(db, "fleet") == {"tx": 1, "ops": 1, "meter": 1}


def test_sessions_rise(db: Writing) -> None:
    upstreams.begin(db, "fleet")
    assert [upstreams.next_session(db, "fleet") for _ in range(3)] == [1, 2, 3]
    upstreams.connected(db, "fleet", now=Instant(5))
    assert upstreams.begin(db, "fleet") == (3, 5)


def test_acknowledgements_may_go_back(db: Writing) -> None:
    upstreams.acknowledge(db, "fleet", {"tx": 9, "ops": 2})
    upstreams.acknowledge(db, "fleet", {"tx": 4})
    assert upstreams.acknowledged(db, "fleet") == {"tx": 4, "ops": 2, "meter": 0}
    assert upstreams.acknowledged(db, "other") == {"tx": 0, "ops": 0, "meter": 0}


def test_who_is_configured_no_longer_is_forgotten(db: Writing) -> None:
    for name in ("fleet", "old"):
        upstreams.begin(db, name)
        upstreams.next_session(db, name)
        upstreams.acknowledge(db, name, {"tx": 3})
        upstreams.retain(db, name, {f"{name}/state", f"{name}/info"})
        upstreams.retain(db, name, {f"{name}/state"})
    upstreams.keep_only(db, ["fleet"])
    assert upstreams.begin(db, "fleet").session == 1 and upstreams.begin(db, "old").session == 0
    assert upstreams.retained(db, "fleet") == ["fleet/info", "fleet/state"]
    assert upstreams.retained(db, "old") == []
    assert upstreams.acknowledged(db, "old")["tx"] == 0


def test_a_backup_of_this_life_does_not_take_back_what_was_acknowledged_since(db: Writing, tmp_path: Path) -> None:
    upstreams.begin(db, "fleet")
    tell(db, 10)
    upstreams.acknowledge(db, "fleet", {"tx": 4})
    with closing(copied(db, tmp_path / "copy.db")) as copy:
        tell(db, 5)
        upstreams.acknowledge(db, "fleet", {"tx": 7})
        for _ in range(6):
            upstreams.next_session(db, "fleet")
        now = restored(db, copy)
        assert upstreams.acknowledged(now, "fleet")["tx"] == 7
        assert upstreams.first(now, "fleet")["tx"] == 8, "the new epoch begins for it after what it has"
        assert upstreams.next_session(now, "fleet") > 1_000_000


def test_what_was_acknowledged_beyond_the_backup_counts_as_far_as_the_backup_goes(db: Writing, tmp_path: Path) -> None:
    upstreams.begin(db, "fleet")
    tell(db, 10)
    with closing(copied(db, tmp_path / "copy.db")) as copy:
        tell(db, 5)
        upstreams.acknowledge(db, "fleet", {"tx": 15})
        now = restored(db, copy)
        assert upstreams.acknowledged(now, "fleet")["tx"] == 10
        assert outgoing_events.after(now, "tx", 10, most=9) == []


def test_cursors_move_with_the_sequences(db: Writing, tmp_path: Path) -> None:
    upstreams.begin(db, "fleet")
    upstreams.begin(db, "slow")
    tell(db, 10)
    upstreams.acknowledge(db, "fleet", {"tx": 6})
    upstreams.acknowledge(db, "slow", {"tx": 1})
    db.execute("DELETE FROM events WHERE sequence <= 3")
    epoch = outgoing_events.epoch_of(db)
    with closing(copied(db, tmp_path / "copy.db")) as copy:
        now = restored(db, copy)
        assert (outgoing_events.oldest(now)["tx"], outgoing_events.newest(now)["tx"]) == (1, 7)
        assert upstreams.acknowledged(now, "fleet")["tx"] == 3
        assert upstreams.acknowledged(now, "slow")["tx"] == 0
        assert upstreams.first(now, "slow")["tx"] == 1
        events_now = outgoing_events.after(now, "tx", 3, most=2)
        assert [(one.sequence, one.previous_id) for one in events_now] == [(4, f"{epoch}:tx:7"), (5, f"{epoch}:tx:8")]
        tell(now, 1)
        assert outgoing_events.after(now, "tx", 7, most=2)[0].previous_id is None


def test_a_copy_of_another_life_has_cursors_of_its_own_and_sessions_still_rise(db: Writing, tmp_path: Path) -> None:
    upstreams.begin(db, "fleet")
    tell(db, 3)
    upstreams.acknowledge(db, "fleet", {"tx": 2})
    with closing(copied(db, tmp_path / "copy.db")) as copy:
        db.execute("UPDATE meta SET value = 'another' WHERE name = 'epoch'")
        upstreams.begin(db, "new")
        for _ in range(40):
            session = upstreams.next_session(db, "fleet")
            upstreams.next_session(db, "new")
        upstreams.acknowledge(db, "fleet", {"tx": 3})
        now = restored(db, copy)
        assert upstreams.acknowledged(now, "fleet")["tx"] == 2
        assert upstreams.next_session(now, "fleet") > session
        assert upstreams.next_session(now, "new") > session
