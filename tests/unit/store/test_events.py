"""What one event may weigh in the journal, whatever a station said."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from gateway.store import events, migrations
from gateway.store.writing import Writing
from tests.unit.store.opened_database import NOW


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Writing]:
    connection = migrations.open_for_writing(tmp_path / "gateway.db")
    yield Writing(connection)
    connection.close()


def kept(db: Writing, data: Mapping[str, object]) -> dict[str, object]:
    events.append(db, "station.data_transfer", happened_at=NOW, recorded_at=NOW, data=data)
    db.insert_late_rows()
    (text,) = db.execute("SELECT data FROM events ORDER BY id DESC LIMIT 1").fetchone()
    found: dict[str, object] = json.loads(text)
    return found


def test_a_usual_event_is_kept_whole(db: Writing) -> None:
    data = {"vendor_id": "V", "data": "x" * 4000, "more": [1, None, {"a": "\u00e4"}]}
    assert kept(db, data) == data


def test_long_texts_are_cut(db: Writing) -> None:
    found = kept(db, {"vendor_id": "V", "data": "x" * 5_000_000, "list": ["y" * 5000, 7]})
    assert found["vendor_id"] == "V"
    assert str(found["data"]).endswith("... (5000000 bytes)")
    assert len(json.dumps(found)) < 10_000


def test_many_short_texts_are_only_counted(db: Writing) -> None:
    found = kept(db, {"status": "answered", "response": {str(number): "z" for number in range(100_000)}})
    assert found == {"status": "answered", "response": {"left_out_bytes": 1_188_891}}


def test_what_a_station_repeats_of_its_address_is_kept_without_the_token(db: Writing) -> None:
    token = "abcdefgh2345ijklmn"
    assert kept(db, {"data": f"cannot GET /f/{token}/x.bin"}) == {"data": "cannot GET /f/***/x.bin"}
