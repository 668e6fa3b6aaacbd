"""The log of lower limits for people: pages, newest first, and a walk for exports, oldest first."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from sqlite3 import Row

from gateway.model.instants import Instant, text_of
from gateway.store.readers import Readers

Document = dict[str, object]

_ROWS_PER_STEP = 500


@dataclass(frozen=True, slots=True)
class Filters:
    """Which limits are asked for; None: any. Those that held at any time from `begin` to before `end`."""

    circuit: str | None = None
    source: str | None = None
    begin: Instant | None = None
    end: Instant | None = None


async def page(readers: Readers, filters: Filters, *, before: int | None, limit: int) -> list[Document]:
    """Newest first, numbers below `before`."""
    where, parameters = _conditions(filters)
    if before is not None:
        where, parameters = [*where, "number < ?"], [*parameters, before]
    return [_document(row) for row in await readers.rows(_select(where, "DESC"), [*parameters, limit])]


async def walk(readers: Readers, filters: Filters) -> AsyncIterator[list[Document]]:
    """Oldest first, some hundred at a time; no connection is held between two steps."""
    where, parameters = _conditions(filters)
    newest = -(2**63)  # a restore of another machine's backup numbers what was there below 1
    while True:
        rows = await readers.rows(_select([*where, "number > ?"], "ASC"), [*parameters, newest, _ROWS_PER_STEP])
        if rows:
            yield [_document(row) for row in rows]
            newest = rows[-1]["number"]
        if len(rows) < _ROWS_PER_STEP:
            return


def _document(row: Row) -> Document:
    return {
        "log_id": row["number"],
        "circuit": row["circuit"],
        "source": row["source"],
        "limit_amps": [round(row[name], 3) for name in ("amps_1", "amps_2", "amps_3")],
        "until": _text(row["until"]),
        "set_by": row["set_by"],
        "set_time": text_of(row["set_at"]),
        "ended_time": _text(row["ended_at"]),
        "ended_why": row["ended_why"],
        "ended_by": row["ended_by"],
    }


def _text(instant: Instant | None) -> str | None:
    return None if instant is None else text_of(instant)


def _select(where: Sequence[str], order: str) -> str:
    return f"SELECT * FROM limits_log WHERE {' AND '.join(where) or 'true'} ORDER BY number {order} LIMIT ?"


def _conditions(filters: Filters) -> tuple[list[str], list[object]]:
    asked = [
        ("circuit = ?", filters.circuit),
        ("source = ?", filters.source),
        ("coalesce(ended_at, 9223372036854775807) > ?", filters.begin),
        ("set_at < ?", filters.end),
    ]
    held = [(condition, value) for condition, value in asked if value is not None]
    return [condition for condition, _ in held], [value for _, value in held]
