"""Jobs of stations for people: pages, newest first, and how things stand of each kind.

A job without a result is open, however long its station has been silent; `age_seconds` says how long.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from sqlite3 import Row

from gateway.model.instants import SECOND, Instant, text_of
from gateway.store.readers import Readers

Document = dict[str, object]

_UPLOADS = """(SELECT json_group_array(upload_id) FROM
    (SELECT upload_id FROM uploads WHERE command_id = station_jobs.command_id ORDER BY upload_id)) AS upload_ids"""


@dataclass(frozen=True, slots=True)
class JobFilters:
    """Which jobs are asked for; None: any."""

    station: str | None = None
    kind: str | None = None
    open: bool | None = None


async def page(
    readers: Readers, filters: JobFilters, *, before: int | None, limit: int, now: Instant
) -> list[Document]:
    """Newest first, job ids below `before`."""
    of_station = "?1 IS NULL" if filters.station is None else "station = ?1"
    rows = await readers.rows(
        f"SELECT *, {_UPLOADS} FROM station_jobs WHERE {of_station} AND (?2 IS NULL OR kind = ?2)"
        " AND (?3 IS NULL OR (finished_at IS NULL) = ?3) AND (?4 IS NULL OR job_id < ?4) ORDER BY job_id DESC LIMIT ?5",
        (filters.station, filters.kind, filters.open, before, limit),
    )
    return [_document_of(row, now) for row in rows]


async def standing(readers: Readers, station: str, *, now: Instant) -> list[Document]:
    """Of each kind the open job, else the newest."""
    rows = await readers.rows(
        f"SELECT *, {_UPLOADS} FROM (SELECT *, row_number() OVER (PARTITION BY kind ORDER BY finished_at IS NOT NULL,"
        " job_id DESC) AS place FROM station_jobs WHERE station = ?) AS station_jobs WHERE place = 1 ORDER BY kind",
        (station,),
    )
    return [_document_of(row, now) for row in rows]


def _document_of(row: Row, now: Instant) -> Document:
    return {
        "job_id": row["job_id"],
        "station": row["station"],
        "kind": row["kind"],
        "command_id": row["command_id"],
        "request_id": row["request_id"],
        "location": row["location"],
        "file_name": row["file_name"],
        "asked_time": text_of(row["asked_at"]),
        "status": row["status"],
        "status_time": text_of(row["status_at"]),
        "age_seconds": None if row["result"] is not None else max(0, now - row["status_at"]) // SECOND,
        "detail": row["detail"],
        "idle_time": _text(row["idle_at"]),
        "result": row["result"],
        "finished_time": _text(row["finished_at"]),
        "version_before": row["version_before"],
        "version_after": row["version_after"],
        "upload_ids": json.loads(row["upload_ids"]),
    }


def _text(instant: Instant | None) -> str | None:
    return None if instant is None else text_of(instant)
