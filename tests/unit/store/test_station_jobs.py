"""Rows of jobs: what began, how it moved, what ended, and that an end is never taken back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.model.identities import CommandId, StationId
from gateway.model.instants import Instant
from gateway.rules.station_jobs import ASKED, Moves, Notification
from gateway.store import migrations, station_jobs
from gateway.store.writing import Writing
from tests.unit.store.opened_database import CP, NOW

LATER = Instant(NOW + 5)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Writing]:
    connection = migrations.open_for_writing(tmp_path / "gateway.db")
    connection.execute(
        "INSERT INTO stations (station, origin, admission, created_at, firmware_version)"
        " VALUES ('CP1', 'api', 'accepted', 0, '1.0')"
    )
    yield Writing(connection)
    connection.close()


def test_a_job_begins_with_the_version_of_its_station(db: Writing) -> None:
    job = station_jobs.begin(db, CP, "firmware", command_id=CommandId("c1"), status=ASKED, now=NOW)
    assert (job.status, job.stage, job.result, job.idle, job.version_before) == (ASKED, 0, None, False, "1.0")
    assert station_jobs.of_command(db, CommandId("c1")) == job
    assert station_jobs.of_command(db, CommandId("c2")) is None
    stranger = station_jobs.begin(db, StationId("new"), "log", request_id=4, status="Uploading", now=NOW)
    assert (stranger.version_before, stranger.request_id) == (None, 4)


def test_an_end_is_never_taken_back(db: Writing) -> None:
    job = station_jobs.begin(db, CP, "log", status=ASKED, now=NOW)
    station_jobs.note_idle(db, job.job_id, now=NOW)
    assert station_jobs.newest(db, CP, ["log"])[0].idle
    station_jobs.move(db, job.job_id, Moves("Uploading", 1), now=NOW)
    station_jobs.move(db, job.job_id, Moves("Uploaded", 2, "succeeded"), now=LATER)
    station_jobs.move(db, job.job_id, Moves("Uploading", 1), now=LATER)
    (ended,) = station_jobs.newest(db, CP, ["log"])
    assert (ended.status, ended.stage, ended.result, ended.finished_at) == ("Uploaded", 2, "succeeded", LATER)
    assert not ended.idle


def test_older_open_jobs_of_the_kind_are_superseded(db: Writing) -> None:
    old, other, done, new = (
        station_jobs.begin(db, CP, kind, status=ASKED, now=NOW)  # type: ignore[arg-type]
        for kind in ("log", "diagnostics", "log", "log")
    )
    station_jobs.move(db, done.job_id, Moves("Uploaded", 2, "succeeded"), now=NOW)
    assert station_jobs.supersede_older(db, CP, "log", new.job_id, now=LATER) == [old.job_id]
    found = station_jobs.newest(db, CP, ["log", "diagnostics"])
    assert [(job.job_id, job.result) for job in found] == [
        (new.job_id, None),
        (done.job_id, "succeeded"),
        (other.job_id, None),
        (old.job_id, "superseded"),
    ]


def test_an_open_job_is_found_behind_many_others(db: Writing) -> None:
    old = station_jobs.begin(db, CP, "log", status=ASKED, now=NOW)
    for _ in range(60):
        job = station_jobs.begin(db, CP, "log", status=ASKED, now=NOW)
        station_jobs.move(db, job.job_id, Moves("Rejected", 0, "refused"), now=NOW)
    found = station_jobs.newest(db, CP, ["log"])
    assert (found[-1].job_id, len(found)) == (old.job_id, 51)


def test_facts(db: Writing) -> None:
    job = station_jobs.begin(db, CP, "firmware", command_id=CommandId("c1"), status=ASKED, now=NOW)
    station_jobs.note_file_name(db, job.job_id, "a.bin")
    station_jobs.note_detail(db, job.job_id, "why")
    station_jobs.note_version(db, job.job_id, "1.1")
    facts = station_jobs.facts(db, job.job_id)
    assert (facts.file_name, facts.detail, facts.version_before, facts.version_after) == ("a.bin", "why", "1.0", "1.1")
    assert (facts.kind, facts.command_id, facts.status, facts.result) == ("firmware", "c1", ASKED, None)


def test_what_was_said_last_is_remembered_by_kind(db: Writing) -> None:
    assert station_jobs.last_said(db, CP, "log") is None
    station_jobs.note_said(db, CP, Notification("log", "Uploading", 4), now=NOW)
    station_jobs.note_said(db, CP, Notification("log", "Uploaded", None), now=LATER)
    assert station_jobs.last_said(db, CP, "log") == ("Uploaded", None, LATER)
    assert station_jobs.last_said(db, CP, "diagnostics") is None
