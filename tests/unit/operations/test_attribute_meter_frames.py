"""Which session meter frames belong to: in short units, in the station's zone, and once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.configuration import Configuration, Site, StationSettings
from gateway.model.identities import StationId, TransactionId
from gateway.model.instants import SECOND, Instant
from gateway.model.sessions import Session
from gateway.operations.attribute_meter_frames import (
    attribute_newest,
    attribute_some,
    first_register_of,
    last_register_of,
)
from gateway.store import meter_frames, migrations, transactions
from gateway.store.writing import Writing
from tests.unit.store.opened_database import CP, END, NOW, START
from tests.unit.store.test_transactions import ACCEPTED

EAST = StationId("EAST")
CONFIGURATION = Configuration(site=Site(id="site"), stations=(StationSettings(id="EAST", utc_offset_minutes=120),))


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Writing]:
    connection = migrations.open_for_writing(tmp_path / "gateway.db")
    yield Writing(connection)
    connection.close()


def session_of(db: Writing, station: StationId = CP, **changes: object) -> Session:
    start = START._replace(station=station, **changes)  # type: ignore[arg-type]
    number = transactions.record_start(db, start, ACCEPTED, received_at=NOW, remote_start_command=None)
    found = transactions.find(db, number)
    assert found is not None
    return found


def frame(
    db: Writing,
    *values: dict[str, str],
    at: str = "2027-01-15T08:00:30Z",
    station: StationId = CP,
    claims: int | None = None,
    connector: int = 1,
) -> None:
    body = {"meterValue": [{"timestamp": at, "sampledValue": list(values) or [{"value": "1"}]}]}
    meter_frames.append(db, station, connector, claims, None, Instant(NOW + 30 * SECOND), json.dumps(body).encode())


def indexed(db: Writing, session: Session) -> int:
    return len(list(meter_frames.each_of_session(db, session.transaction_id, newest_first=True)))


def test_a_unit_is_bounded_by_frames(db: Writing) -> None:
    session = session_of(db)
    for _ in range(250):
        frame(db, claims=session.transaction_id)
    assert [attribute_some(db, CONFIGURATION, now=NOW) for _ in range(4)] == [100, 100, 50, 0]
    assert indexed(db, session) == 250


def test_a_unit_is_bounded_by_the_bytes_it_reads(db: Writing) -> None:
    session = session_of(db)
    for _ in range(6):
        frame(db, *[{"value": "1"}] * 30_000)  # half a megabyte
    assert [attribute_some(db, CONFIGURATION, now=NOW) for _ in range(3)] == [3, 3, 0]
    assert indexed(db, session) == 6


def test_what_a_station_needs_now_is_bounded_too_and_no_frame_gets_two_sessions(db: Writing) -> None:
    session, other = session_of(db), session_of(db, station=StationId("CP2"))
    for _ in range(150):
        frame(db)
        frame(db, station=StationId("CP2"))
    attribute_newest(db, CONFIGURATION, CP)
    assert (indexed(db, session), indexed(db, other)) == (100, 0)
    transactions.record_stop(db, session.transaction_id, END._replace(stop_at=Instant(NOW + SECOND)), received_at=NOW)
    following = session_of(db, start_at=Instant(NOW + 10 * SECOND))
    while attribute_some(db, CONFIGURATION, now=NOW):
        pass
    assert (indexed(db, session), indexed(db, following), indexed(db, other)) == (100, 50, 150)


@pytest.mark.parametrize(("at", "found"), [("2027-01-15T10:00:30", 1), ("2027-01-15T08:00:30", 0)])
def test_a_time_without_zone_is_that_of_the_station(db: Writing, at: str, found: int) -> None:
    session = session_of(db, station=EAST)
    transactions.record_stop(
        db, session.transaction_id, END._replace(stop_at=Instant(NOW + 60 * SECOND)), received_at=NOW
    )
    frame(db, station=EAST, at=at)
    attribute_some(db, CONFIGURATION, now=NOW)
    assert indexed(db, session) == found


def test_the_main_meter_and_unknown_connectors_belong_to_nobody(db: Writing) -> None:
    session = session_of(db)
    frame(db, connector=0)
    frame(db, connector=2)
    assert attribute_some(db, CONFIGURATION, now=NOW) == 2
    assert indexed(db, session) == 0


def test_the_first_and_the_last_register_of_a_session(db: Writing) -> None:
    session = session_of(db)
    power = {"value": "1", "measurand": "Power.Active.Import"}
    times = [f"2027-01-15T08:{minute:02d}:00Z" for minute in range(5)]
    assert last_register_of(db, session, utc_offset_minutes=0) == (None, None)
    assert first_register_of(db, session, utc_offset_minutes=0) is None
    for values, at in zip(([power], [{"value": "1200"}], [{"value": "1300"}], [power], [power]), times, strict=True):
        frame(db, *values, at=at, claims=session.transaction_id)
    attribute_some(db, CONFIGURATION, now=NOW)
    assert last_register_of(db, session, utc_offset_minutes=0) == (1300, NOW + 240 * SECOND)
    assert first_register_of(db, session, utc_offset_minutes=0) == 1200


def test_a_search_for_a_register_ends(db: Writing, monkeypatch: pytest.MonkeyPatch) -> None:
    session = session_of(db)
    monkeypatch.setattr("gateway.operations.attribute_meter_frames._BYTES_LOOKED_AT", 1000)
    frame(db, {"value": "1200"}, claims=session.transaction_id)
    for _ in range(30):
        frame(db, {"value": "1", "measurand": "Voltage"}, claims=session.transaction_id)
    frame(db, {"value": "1300"}, claims=int(TransactionId(99)), connector=2)
    attribute_some(db, CONFIGURATION, now=NOW)
    register, newest = last_register_of(db, session, utc_offset_minutes=0)
    assert (register, newest) == (None, NOW + 30 * SECOND)
    monkeypatch.setattr("gateway.operations.attribute_meter_frames._BYTES_LOOKED_AT", 100_000)
    assert last_register_of(db, session, utc_offset_minutes=0)[0] == 1200
