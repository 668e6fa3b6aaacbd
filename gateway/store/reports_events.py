"""The journal for people and the live feed: the streams `tx` and `ops` and the meter frames, merged in order of id.

The id of an event is `epoch:stream:sequence`, as everywhere; `event_id` is the place in this site's one order and the
cursor of pages and of the live feed.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from sqlite3 import Row

from gateway.model.instants import text_of
from gateway.store.meter_frames import unpack
from gateway.store.readers import Readers

Document = dict[str, object]

STREAMS = ("tx", "ops", "meter")
METER_KIND = "meter.values"

_JOURNAL = """SELECT id, stream, sequence, kind, station, connector, happened_at, recorded_at, data,
                     NULL AS encoding, NULL AS body, NULL AS transaction_id
              FROM events WHERE id > :after AND stream IN (SELECT value FROM json_each(:streams))"""
_METER = f"""SELECT id, 'meter' AS stream, sequence, '{METER_KIND}' AS kind, station, connector,
                    recorded_at AS happened_at, recorded_at, NULL AS data, encoding, body, transaction_id
             FROM meter_frames WHERE id > :after"""


async def page(
    readers: Readers, *, after: int, limit: int, streams: Collection[str], station: str | None
) -> list[Document]:
    """Events with ids above `after` in ascending order."""
    parts = [_JOURNAL] if {"tx", "ops"} & set(streams) else []
    parts += [_METER] if "meter" in streams else []
    if station is not None:
        parts = [f"{part} AND station = :station" for part in parts]
    sql = " UNION ALL ".join(parts) + " ORDER BY id LIMIT :limit"
    asked = {"after": after, "limit": limit, "streams": json.dumps(list(streams)), "station": station}
    async with readers.reading() as connection:
        await connection.execute("BEGIN")  # the epoch must belong to the rows
        (epoch,) = await _first(await connection.execute("SELECT value FROM meta WHERE name = 'epoch'"))
        rows = await (await connection.execute(sql, asked)).fetchall()
    return [_document_of(row, epoch) for row in rows]


async def newest_id(readers: Readers) -> int:
    """The id of the newest event of any stream; 0 when there is none."""
    row = await readers.row(
        """SELECT max(coalesce((SELECT max(id) FROM events), 0), coalesce((SELECT max(id) FROM meter_frames), 0))"""
    )
    assert row is not None
    newest: int = row[0]
    return newest


def _document_of(row: Row, epoch: str) -> Document:
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
        "data": json.loads(row["data"]) if row["body"] is None else _meter_data(row),
    }


def _meter_data(row: Row) -> Document:
    text = unpack(row["encoding"], row["body"]).decode("utf-8", "replace")
    try:
        payload: object = json.loads(text)
    except ValueError:
        payload = text  # kept as received: the journal hides nothing
    return {"transaction_id": row["transaction_id"], "payload": payload}


async def _first(cursor: object) -> Row:
    row: Row = await cursor.fetchone()  # type: ignore[attr-defined]
    return row
