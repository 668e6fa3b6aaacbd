"""Security events are kept in bounds: by the hour and in all, critical ones and others apart, floods counted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.model.identities import StationId
from gateway.model.instants import SECOND, Instant
from gateway.rules.security_events import LEFT_OUT, MOST_AN_HOUR, MOST_KEPT
from gateway.store import migrations, security_events
from gateway.store.writing import Writing
from tests.unit.store.opened_database import CP, NOW

HOUR = 3600 * SECOND


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Writing]:
    connection = migrations.open_for_writing(tmp_path / "gateway.db")
    yield Writing(connection)
    connection.close()


def tell(db: Writing, type: str = "InvalidMessages", *, at: int = NOW, **more: Any) -> bool:
    told = {"station": CP, "source": "station", "happened_at": Instant(at), "now": Instant(at), **more}
    return security_events.record(db, type=type, **told)


def rows(db: Writing, columns: str = "type, times") -> list[tuple[object, ...]]:
    return db.execute(f"SELECT {columns} FROM security_events ORDER BY id").fetchall()


def journal(db: Writing) -> list[str]:
    db.insert_late_rows()
    return [row[0] for row in db.execute("SELECT kind FROM events ORDER BY id")]


def test_an_event_is_kept_and_told(db: Writing) -> None:
    assert tell(db, "TamperDetectionActivated", tech_info="lid", happened_at=Instant(NOW - HOUR))
    assert tell(db, "InvalidTLSVersion", station=None, source="gateway", address="192.0.2.7")
    assert rows(db, "source, station, type, critical, times, tech_info, address, happened_at, recorded_at") == [
        ("station", CP, "TamperDetectionActivated", 1, 1, "lid", None, NOW - HOUR, NOW),
        ("gateway", None, "InvalidTLSVersion", 1, 1, None, "192.0.2.7", NOW, NOW),
    ]
    assert journal(db) == ["station.security_event", "gateway.security_event"]


def test_texts_are_cut_and_masked(db: Writing) -> None:
    tell(db, "T" * 5000, tech_info="password=HushHush1 " + "x" * 5000)
    ((type, info),) = rows(db, "type, tech_info")
    assert len(str(type)) <= 1024
    assert len(str(info)) <= 1024
    assert "HushHush1" not in str(info)


def test_a_flood_is_counted_in_one_row(db: Writing) -> None:
    kept = [tell(db, at=NOW + number) for number in range(MOST_AN_HOUR + 7)]
    assert kept == [True] * MOST_AN_HOUR + [False] * 7
    assert rows(db)[-1] == (LEFT_OUT, 7)
    assert len(rows(db)) == MOST_AN_HOUR + 1
    assert journal(db).count("station.security_event") == MOST_AN_HOUR
    assert journal(db).count("gateway.security_event") == 1


def test_who_floods_hides_nobody_else_and_no_critical_event(db: Writing) -> None:
    for number in range(MOST_AN_HOUR + 1):
        tell(db, at=NOW + number)
        tell(db, source="gateway", at=NOW + number)
    assert tell(db, "ResetOrReboot")
    assert tell(db, station=StationId("CP2"))
    assert tell(db, station=None, source="gateway")
    left_out = [row for row in rows(db, "type, times, tech_info") if row[0] == LEFT_OUT]
    assert left_out == [(LEFT_OUT, 1, "told by the station"), (LEFT_OUT, 1, "seen by the gateway")]


def test_the_next_hour_is_told_again(db: Writing) -> None:
    for number in range(MOST_AN_HOUR + 2):
        tell(db, at=NOW + number)
    assert tell(db, at=NOW + HOUR + MOST_AN_HOUR)
    for number in range(MOST_AN_HOUR + 2):
        tell(db, at=NOW + 3 * HOUR + number)
    assert [row for row in rows(db) if row[0] == LEFT_OUT] == [(LEFT_OUT, 2), (LEFT_OUT, 2)]


def test_a_clock_that_is_set_back_silences_nobody(db: Writing) -> None:
    for number in range(MOST_AN_HOUR + 2):
        tell(db, at=NOW + number)
    assert tell(db, at=NOW - 30 * 24 * HOUR)


def test_the_newest_stay(db: Writing) -> None:
    tell(db, "ResetOrReboot", at=NOW)
    for number in range(MOST_KEPT + 5):
        tell(db, f"T{number}", at=NOW + number * HOUR)
    kept = rows(db)
    assert len(kept) == MOST_KEPT + 1
    assert [kept[0][0], kept[1][0], kept[-1][0]] == ["ResetOrReboot", "T5", f"T{MOST_KEPT + 4}"]
