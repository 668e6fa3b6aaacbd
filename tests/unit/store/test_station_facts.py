"""What stations tell of themselves, and who knocked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.model.identities import StationId
from gateway.model.instants import SECOND, Instant
from gateway.store import migrations, station_facts, stations
from gateway.store.station_facts import Nameplate
from gateway.store.writing import Writing
from tests.unit.store.opened_database import CP, NOW


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Writing]:
    connection = migrations.open_for_writing(tmp_path / "gateway.db")
    yield Writing(connection)
    connection.close()


def test_admission_changes_and_the_rest_stays(db: Writing) -> None:
    assert station_facts.admission_of(db, CP) is None
    station_facts.admit(db, CP, origin="knock", admission="pending", now=NOW)
    station_facts.record_connection(db, CP, now=NOW)
    station_facts.record_clock_offset(db, CP, -1500)
    assert station_facts.admission_of(db, CP) == "pending"
    assert station_facts.count_knocked_in(Writing(db.connection)) == 1
    station_facts.admit(db, CP, origin="file", admission="accepted", now=Instant(NOW + 5))
    row = stations.find(db, CP)
    assert row is not None
    assert (row.admission, row.origin, row.created_at) == ("accepted", "file", NOW)
    assert (row.connected_at, row.clock_offset_ms) == (NOW, -1500)
    assert station_facts.count_knocked_in(Writing(db.connection)) == 0


def test_removed_stations_do_not_count_as_knocked_in(db: Writing) -> None:
    station_facts.admit(db, CP, origin="knock", admission="removed", now=NOW)
    assert station_facts.count_knocked_in(Writing(db.connection)) == 0


def test_a_boot_replaces_the_whole_nameplate(db: Writing) -> None:
    station_facts.admit(db, CP, origin="file", admission="accepted", now=NOW)
    station_facts.record_boot(db, CP, Nameplate("V", "M", "1", "2", "3", "4", "5", "6", "7"), now=NOW)
    station_facts.record_boot(db, CP, Nameplate("V2", "M", None, None, None, None, None, None, None), now=NOW)
    row = stations.find(db, CP)
    assert row is not None
    assert (row.vendor, row.model, row.serial_number, row.meter_serial, row.booted_at) == ("V2", "M", None, None, NOW)


def test_knocks_are_counted_and_bounded(db: Writing) -> None:
    def knock(identity: str, second: int) -> bool:
        return station_facts.record_knock(db, identity, "192.0.2.1", now=Instant(NOW + second), most=3)

    assert [knock(identity, second) for second, identity in enumerate("ABACA")] == [True, True, False, True, False]
    assert db.execute("SELECT times, first_seen, last_seen FROM knocks WHERE station = 'A'").fetchone() == (
        3,
        NOW,
        NOW + 4,
    )
    assert knock("D", 5)
    remaining = [row[0] for row in db.execute("SELECT station FROM knocks ORDER BY last_seen")]
    assert remaining == ["C", "A", "D"]
    station_facts.forget_knock(db, "A")
    assert knock("A", 6)


def test_quirks_add_up(db: Writing) -> None:
    other = StationId("CP2")
    station_facts.add_quirks(db, {(CP, "q"): 2, (other, "q"): 1}, now=NOW)
    station_facts.add_quirks(db, {(CP, "q"): 3}, now=Instant(NOW + 1))
    assert db.execute("SELECT * FROM quirks ORDER BY station").fetchall() == [
        ("CP1", "q", 5, NOW + 1),
        ("CP2", "q", 1, NOW),
    ]


def test_quarantine_keeps_the_bytes(db: Writing) -> None:
    station_facts.quarantine(db, CP, "MeterValues", "why", b'{"\xff', now=NOW)
    assert db.execute("SELECT station, action, reason, body FROM quarantine").fetchone() == (
        "CP1",
        "MeterValues",
        "why",
        b'{"\xff',
    )


def test_quarantine_is_bounded_for_each_station(db: Writing) -> None:
    other = StationId("CP2")
    station_facts.quarantine(db, other, "MeterValues", "why", b"x" * 1_000_000, now=NOW)
    for number in range(1005):
        station_facts.quarantine(db, CP, "MeterValues", str(number), b"{}", now=NOW)
    assert db.execute(
        "SELECT min(CAST(reason AS INTEGER)), count(*) FROM quarantine WHERE station = 'CP1'"
    ).fetchone() == (
        5,
        1000,
    )
    assert db.execute("SELECT length(body) FROM quarantine WHERE station = 'CP2'").fetchone() == (65_536,)


def test_knocks_are_told_so_many_times_an_hour(db: Writing) -> None:
    hour = 3_600 * SECOND
    begin = Instant(NOW - NOW % hour)

    def told(at: int) -> int:
        return sum(
            station_facts.may_tell_of_knock(db, now=Instant(at + second), most_an_hour=3) for second in range(10)
        )

    assert [told(begin), told(begin + 60 * SECOND), told(begin + hour), told(begin)] == [3, 0, 3, 3]
