"""/jobs and /security-events: pages, filters, what is asked wrongly, and what is told of how things stand."""

from __future__ import annotations

import pytest

from gateway.model.identities import CommandId, StationId
from gateway.model.instants import SECOND, Instant
from gateway.rules.station_jobs import Moves
from gateway.store import security_events, station_jobs
from gateway.store.writing import Writing
from tests.unit.web.conftest import NOON, Door

FILE = StationId("FILE-1")


def work(db: Writing) -> None:
    """Of FILE-1 a log that has ended, an open one and a refused one; of another an upload of its own."""
    log = station_jobs.begin(db, FILE, "log", request_id=1, location="ftp://h/", status="Asked", now=NOON)
    station_jobs.move(db, log.job_id, Moves("Uploaded", 2, "succeeded"), now=NOON)
    station_jobs.begin(db, FILE, "log", command_id=CommandId("c"), status="Asked", now=Instant(NOON - 90 * SECOND))
    refused = station_jobs.begin(db, FILE, "log", status="Asked", now=NOON)
    station_jobs.move(db, refused.job_id, Moves("Rejected", 0, "refused"), now=NOON)
    station_jobs.begin(db, StationId("OTHER"), "diagnostics", status="Uploading", now=NOON)
    for station, source, type in (
        (FILE, "station", "ResetOrReboot"),
        (None, "gateway", "Seen"),
        (FILE, "station", "X"),
    ):
        security_events.record(db, station=station, source=source, type=type, happened_at=NOON, now=NOON)  # type: ignore[arg-type]


async def ids(door: Door, path: str, name: str = "job_id") -> list[int]:
    return [item[name] for item in (await door.document("GET", f"/api/v1{path}", role="viewer"))["items"]]


async def test_jobs_are_listed_newest_first(door: Door) -> None:
    await door.write(work)
    assert await ids(door, "/jobs") == [4, 3, 2, 1]
    assert await ids(door, "/jobs?station=OTHER") == [4]
    assert await ids(door, "/jobs?kind=log&open=false") == [3, 1]
    assert await ids(door, "/stations/FILE-1/jobs") == [3, 2, 1]
    assert await ids(door, "/stations/FILE-1/jobs?open=true") == [2]
    page = await door.document("GET", "/api/v1/jobs?limit=2")
    assert page["next"] == "3"
    assert await ids(door, "/jobs?limit=2&after=3") == [2, 1]


async def test_a_job_is_the_document(door: Door) -> None:
    await door.write(work)
    done = (await door.document("GET", "/api/v1/jobs?after=2"))["items"][0]
    assert done == {
        "job_id": 1,
        "station": "FILE-1",
        "kind": "log",
        "command_id": None,
        "request_id": 1,
        "location": "ftp://h/",
        "file_name": None,
        "asked_time": "2027-01-15T08:00:00.000Z",
        "status": "Uploaded",
        "status_time": "2027-01-15T08:00:00.000Z",
        "age_seconds": None,
        "detail": None,
        "idle_time": None,
        "result": "succeeded",
        "finished_time": "2027-01-15T08:00:00.000Z",
        "version_before": None,
        "version_after": None,
        "upload_ids": [],
    }


async def test_a_station_shows_how_things_stand(door: Door) -> None:
    await door.write(work)
    (standing,) = (await door.document("GET", "/api/v1/stations/FILE-1"))["jobs"]
    assert (standing["job_id"], standing["result"], standing["age_seconds"]) == (2, None, 90)


async def test_security_events_are_listed_newest_first(door: Door) -> None:
    await door.write(work)
    assert await ids(door, "/security-events", "security_event_id") == [3, 2, 1]
    assert await ids(door, "/security-events?station=FILE-1", "security_event_id") == [3, 1]
    assert await ids(door, "/security-events?critical=true", "security_event_id") == [1]
    assert await ids(door, "/security-events?source=gateway", "security_event_id") == [2]
    assert await ids(door, "/security-events?limit=1&after=3", "security_event_id") == [2]
    (event,) = (await door.document("GET", "/api/v1/security-events?source=gateway"))["items"]
    assert event == {
        "security_event_id": 2,
        "source": "gateway",
        "station": None,
        "type": "Seen",
        "critical": False,
        "times": 1,
        "tech_info": None,
        "address": None,
        "time": "2027-01-15T08:00:00.000Z",
        "recorded_time": "2027-01-15T08:00:00.000Z",
    }


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/jobs?kind=coffee", 422),
        ("/jobs?open=perhaps", 422),
        ("/jobs?after=x", 422),
        ("/jobs?limit=0", 422),
        ("/stations/FILE-1/jobs?station=OTHER", 422),
        ("/stations/NOBODY/jobs", 404),
        ("/security-events?source=neighbour", 422),
        ("/security-events?kind=log", 422),
    ],
)
async def test_what_is_asked_wrongly(door: Door, path: str, status: int) -> None:
    await door.problem("GET", f"/api/v1{path}", expect=status)
