"""Commands of fleet managers for people: what came, from whom, and what became of it; not what was said in them."""

from __future__ import annotations

import json
from sqlite3 import Row

from gateway.model.instants import text_of
from gateway.store.readers import Readers

Document = dict[str, object]


async def page(readers: Readers, upstream: str, *, before: int | None, limit: int) -> list[tuple[int, Document]]:
    """Newest first, with the number after which the next page begins; those with numbers below `before`."""
    rows = await readers.rows(
        "SELECT number, id, type, station, actor, status, result, received_at, finished_at FROM fleet_commands"
        " WHERE upstream = ?1 AND (?2 IS NULL OR number < ?2) ORDER BY number DESC LIMIT ?3",
        (upstream, before, limit),
    )
    return [(row["number"], _document_of(row)) for row in rows]


def _document_of(row: Row) -> Document:
    error = json.loads(row["result"] or "{}").get("error") or {}
    return {
        "command_id": row["id"],
        "type": row["type"],
        "station": row["station"],
        "actor": row["actor"],
        "status": row["status"],
        "error": error.get("code"),
        "detail": error.get("description"),
        "received_time": text_of(row["received_at"]),
        "finished_time": None if row["finished_at"] is None else text_of(row["finished_at"]),
    }
