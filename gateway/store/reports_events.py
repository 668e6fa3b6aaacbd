"""The journal for people and the live feed: the streams `tx` and `ops` and the meter frames, merged in order of id.

The id of an event is `epoch:stream:sequence`, as everywhere; `event_id` is the place in this site's one order and the
cursor of pages and of the live feed.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Iterable, Mapping
from sqlite3 import Row
from typing import NamedTuple

from gateway.model.instants import text_of
from gateway.model.journal import METER_KIND, SITE_KIND, payload_of
from gateway.store.meter_frames import unpack
from gateway.store.readers import Readers

Document = dict[str, object]

LARGEST_PAGE_BYTES = 8_000_000
_ROWS_AT_ONCE = 16  # a frame may have megabytes: few are in memory beyond what a page takes

_JOURNAL = """SELECT id, stream, sequence, kind, station, connector, happened_at, recorded_at, data,
                     NULL AS encoding, NULL AS body, NULL AS transaction_id
              FROM events WHERE id > :after AND stream IN (SELECT value FROM json_each(:streams))"""
_METER = f"""SELECT id, 'meter' AS stream, sequence, iif(station = '', '{SITE_KIND}', '{METER_KIND}') AS kind,
                    nullif(station, '') AS station, connector,
                    recorded_at AS happened_at, recorded_at, NULL AS data, encoding, body, transaction_id
             FROM meter_frames WHERE id > :after"""


class Page(NamedTuple):
    """Some events in ascending order; `complete`: no more events were asked for or are there."""

    events: list[Document]
    complete: bool


async def page(
    readers: Readers, *, after: int, limit: int, streams: Collection[str], station: str | None, kind: str | None = None
) -> Page:
    """Events with ids above `after`: `limit` of them, or fewer when they are large."""
    sql = f"{_selected(streams, station, kind)} ORDER BY id LIMIT :limit"
    asked = {"after": after, "limit": limit + 1, "streams": json.dumps(list(streams)), "station": station, "kind": kind}
    return await _read(readers, sql, asked, limit=limit)


async def newest(
    readers: Readers,
    *,
    most: int,
    streams: Collection[str],
    station: str | None,
    kind: str | None = None,
    before: int | None = None,
) -> list[Document]:
    """The newest `most` events (of those with ids below `before`) in ascending order, or fewer when they are large."""
    sql = f"{_selected(streams, station, kind, before)} ORDER BY id DESC LIMIT :limit"
    asked = {
        "after": 0, "limit": most, "streams": json.dumps(list(streams)), "station": station, "kind": kind,
        "before": before,
    }  # fmt: skip
    return (await _read(readers, sql, asked, limit=most)).events[::-1]


def _selected(streams: Collection[str], station: str | None, kind: str | None, before: int | None = None) -> str:
    parts = [_JOURNAL] if {"tx", "ops"} & set(streams) else []
    parts += [_METER] if "meter" in streams else []
    if station is not None:
        parts = [f"{part} AND station = :station" for part in parts]
    if before is not None:
        parts = [f"{part} AND id < :before" for part in parts]
    if kind is not None:  # from outside: a meter frame's kind is made, not kept
        parts = [f"SELECT * FROM ({part}) WHERE kind = :kind" for part in parts]
    return " UNION ALL ".join(parts)


async def _read(readers: Readers, sql: str, asked: Mapping[str, object], *, limit: int) -> Page:
    """Documents of the rows as they come, until there are `limit`, or so many bytes that memory and readers suffer."""
    found: list[Document] = []
    size_bytes = 0
    async with readers.reading() as connection:
        await connection.execute("BEGIN")  # the epoch must belong to the rows
        (epoch,) = await _first(await connection.execute("SELECT value FROM meta WHERE name = 'epoch'"))
        async with connection.execute(sql, asked) as cursor:
            while rows := list(await cursor.fetchmany(_ROWS_AT_ONCE)):
                for document, row_bytes in await asyncio.to_thread(_documents_of, rows, epoch):
                    if len(found) == limit or size_bytes >= LARGEST_PAGE_BYTES:
                        return Page(found, complete=False)
                    found.append(document)
                    size_bytes += row_bytes
    return Page(found, complete=True)


async def newest_id(readers: Readers) -> int:
    """The id of the newest event of any stream; 0 when there is none."""
    row = await readers.row(
        """SELECT max(coalesce((SELECT max(id) FROM events), 0), coalesce((SELECT max(id) FROM meter_frames), 0))"""
    )
    assert row is not None
    newest: int = row[0]
    return newest


def _documents_of(rows: Iterable[Row], epoch: str) -> list[tuple[Document, int]]:
    """(document, about how many bytes it has) of each row; runs in a thread, because a frame may have megabytes."""
    found = []
    for row in rows:
        text = row["data"] if row["body"] is None else unpack(row["encoding"], row["body"]).decode("utf-8", "replace")
        found.append((_document_of(row, text, epoch), len(text)))
    return found


def _document_of(row: Row, text: str, epoch: str) -> Document:
    return {
        "id": f"{epoch}:{row['stream']}:{row['sequence']}",
        "event_id": row["id"],
        "epoch": epoch,
        "stream": row["stream"],
        "sequence": row["sequence"],
        "kind": row["kind"],
        "station": row["station"],
        "connector": row["connector"],
        "time": text_of(row["happened_at"]),
        "recorded_time": text_of(row["recorded_at"]),
        "data": json.loads(text) if row["body"] is None else _meter_data(row, text),
    }


def _meter_data(row: Row, text: str) -> Document:
    if row["kind"] == SITE_KIND:
        sample: Document = json.loads(text)
        return sample
    return {"transaction_id": row["transaction_id"], "payload": payload_of(text)}


async def _first(cursor: object) -> Row:
    row: Row = await cursor.fetchone()  # type: ignore[attr-defined]
    return row
