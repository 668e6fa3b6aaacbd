"""Rows of jobs: what stations were asked to load, install or upload, what they do by themselves, and how far they are.

What a notification means for a job is asked of `rules/station_jobs`. A job that ended is never changed again, except
for the firmware version that the boot after it told.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple, get_args

from gateway.model.identities import CommandId, StationId
from gateway.model.instants import Instant
from gateway.rules.station_jobs import Job, JobResult, Kind, Moves, Notification, Said
from gateway.store.writing import Writing

KINDS: tuple[str, ...] = get_args(Kind)
RESULTS: tuple[str, ...] = get_args(JobResult)

# Enough to find the job of a number, and the one that ended last.
_MOST_LOOKED_AT = 50
_COLUMNS = (
    "job_id, kind, request_id, status, stage, result, finished_at, idle_at IS NOT NULL, version_before, version_after"
)


class Facts(NamedTuple):
    """How a job stands, as it is told."""

    job_id: int
    kind: Kind
    command_id: str | None
    request_id: int | None
    status: str
    result: JobResult | None
    detail: str | None
    file_name: str | None
    version_before: str | None
    version_after: str | None


def begin(
    db: Writing,
    station: StationId,
    kind: Kind,
    *,
    command_id: CommandId | None = None,
    request_id: int | None = None,
    location: str | None = None,
    status: str,
    now: Instant,
) -> Job:
    """A job begins: one that is asked for, or one of the station's own. `location` has its secrets masked."""
    row = db.execute(
        "INSERT INTO station_jobs (station, kind, command_id, request_id, location, asked_at, status, status_at, stage,"
        " version_before) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?6, 0,"
        " (SELECT firmware_version FROM stations WHERE station = ?1))"
        f" RETURNING {_COLUMNS}",
        (station, kind, command_id, request_id, location, now, status),
    ).fetchone()
    return _job(row)


def facts(db: Writing, job_id: int) -> Facts:
    """How a job stands, for the journal."""
    return Facts(
        *db.execute(f"SELECT {', '.join(Facts._fields)} FROM station_jobs WHERE job_id = ?", (job_id,)).fetchone()
    )


def newest(db: Writing, station: StationId, kinds: Sequence[Kind]) -> list[Job]:
    """The station's newest jobs of these kinds, and every open one, newest first."""
    places = ", ".join("?" * len(kinds))
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM station_jobs WHERE station = ? AND kind IN ({places}) AND (finished_at IS NULL"
        f" OR job_id IN (SELECT job_id FROM station_jobs WHERE station = ? AND kind IN ({places})"
        " ORDER BY job_id DESC LIMIT ?)) ORDER BY job_id DESC",
        (station, *kinds, station, *kinds, _MOST_LOOKED_AT),
    )
    return [_job(row) for row in rows]


def of_command(db: Writing, command_id: CommandId) -> Job | None:
    """The job that this command asked for."""
    row = db.execute(f"SELECT {_COLUMNS} FROM station_jobs WHERE command_id = ?", (command_id,)).fetchone()
    return None if row is None else _job(row)


def moved_since(
    db: Writing, station: StationId, kinds: Sequence[Kind], since: Instant, *, besides: Collection[str | None]
) -> bool:
    """Has an open job of these kinds, other than those of these commands, begun or moved on since then?"""
    places = ", ".join("?" * len(kinds))
    rows = db.execute(
        f"SELECT command_id FROM station_jobs WHERE station = ? AND kind IN ({places}) AND finished_at IS NULL"
        " AND status_at >= ?",
        (station, *kinds, since),
    )
    return any(command_id is None or command_id not in besides for (command_id,) in rows)


def move(db: Writing, job_id: int, change: Moves, *, now: Instant, detail: str | None = None) -> None:
    """An open job has another status now; with a result it has ended."""
    finished_at = None if change.result is None else now
    db.execute(
        "UPDATE station_jobs SET status = ?, status_at = ?, stage = ?, result = ?, finished_at = ?, idle_at = NULL,"
        " detail = ? WHERE job_id = ? AND finished_at IS NULL",
        (change.status, now, change.stage, change.result, finished_at, detail, job_id),
    )


def supersede_older(db: Writing, station: StationId, kind: Kind, job_id: int, *, now: Instant) -> list[int]:
    """The open jobs of this kind that began before this one end without a word of their station; returns which."""
    return [
        row[0]
        for row in db.execute(
            "UPDATE station_jobs SET result = 'superseded', finished_at = ? WHERE station = ? AND kind = ?"
            " AND finished_at IS NULL AND job_id < ? RETURNING job_id",
            (now, station, kind, job_id),
        ).fetchall()
    ]


def note_idle(db: Writing, job_id: int, *, now: Instant) -> None:
    """The station says that it does nothing."""
    db.execute("UPDATE station_jobs SET idle_at = ? WHERE job_id = ?", (now, job_id))


def note_file_name(db: Writing, job_id: int, file_name: str) -> None:
    """The station names the file that it uploads."""
    db.execute("UPDATE station_jobs SET file_name = ? WHERE job_id = ?", (file_name, job_id))


def note_detail(db: Writing, job_id: int, detail: str | None) -> None:
    """Why the job stands where it stands."""
    db.execute("UPDATE station_jobs SET detail = ? WHERE job_id = ?", (detail, job_id))


def last_said(db: Writing, station: StationId, kind: Kind) -> Said | None:
    """The notification of this kind that was told last."""
    row = db.execute(
        "SELECT status, request_id, told_at FROM job_notifications WHERE station = ? AND kind = ?", (station, kind)
    ).fetchone()
    return None if row is None else Said(*row)


def note_said(db: Writing, station: StationId, told: Notification, *, now: Instant) -> None:
    """A notification is told."""
    db.execute(
        "INSERT OR REPLACE INTO job_notifications VALUES (?, ?, ?, ?, ?)",
        (station, told.kind, told.status, told.request_id, now),
    )


def note_version(db: Writing, job_id: int, version: str) -> None:
    """The firmware version that the station booted with during or after the job."""
    db.execute("UPDATE station_jobs SET version_after = ? WHERE job_id = ?", (version, job_id))


def _job(row: Sequence[Any]) -> Job:
    job = Job(*row)
    return job._replace(idle=bool(job.idle))
