"""Reservations for people: those in force, and those of which nobody knows whether they are.

The documents are those of the HTTP API. What is over by the clock is not shown, also when it was not ended yet.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from sqlite3 import Row
from typing import NamedTuple

from gateway.model.instants import Instant, text_of
from gateway.store.readers import Readers

Document = dict[str, object]

_COLUMNS = "number, reservation_id, station, connector, id_tag, parent_id_tag, expiry_at"
# a request whose answer is waited for is as uncertain as one that was not answered
_IN_FORCE = "standing = 'in_force' AND expiry_at > ?1"
_UNCERTAIN = "standing IN ('asked', 'uncertain') AND expiry_at > ?1"


class Page(NamedTuple):
    """Documents, and the number after which the next page begins; None: this was the last."""

    items: list[Document]
    next: int | None


async def page(readers: Readers, *, station: str | None, uncertain: bool, now: Instant, after: int, limit: int) -> Page:
    """In the order of asking, beginning after the number `after`."""
    rows = await readers.rows(
        f"SELECT {_COLUMNS} FROM reservations WHERE {_UNCERTAIN if uncertain else _IN_FORCE}"
        " AND number > ?2 AND (?3 IS NULL OR station = ?3) ORDER BY number LIMIT ?4",
        (now, after, station, limit + 1),
    )
    more = len(rows) > limit
    return Page([_document(row) for row in rows[:limit]], rows[limit - 1]["number"] if more else None)


async def in_force(readers: Readers, stations: Sequence[str], now: Instant) -> dict[str, list[Document]]:
    """Those in force by station."""
    rows = await readers.rows(
        f"SELECT {_COLUMNS} FROM reservations WHERE {_IN_FORCE}"
        " AND station IN (SELECT value FROM json_each(?2)) ORDER BY number",
        (now, json.dumps(list(stations))),
    )
    found: dict[str, list[Document]] = {}
    for row in rows:
        found.setdefault(row["station"], []).append(_document(row))
    return found


async def count(readers: Readers, now: Instant) -> tuple[int, int]:
    """(how many are in force, how many are uncertain)."""
    row = await readers.row(
        f"SELECT count(*) FILTER (WHERE {_IN_FORCE}), count(*) FILTER (WHERE {_UNCERTAIN}) FROM reservations"
        " WHERE standing IN ('asked', 'uncertain', 'in_force')",
        (now,),
    )
    assert row is not None
    return row[0], row[1]


def _document(row: Row) -> Document:
    return {
        "reservation_id": row["reservation_id"],
        "station": row["station"],
        "connector": row["connector"],
        "id_tag": row["id_tag"],
        "parent_id_tag": row["parent_id_tag"],
        "expiry_time": text_of(row["expiry_at"]),
    }
