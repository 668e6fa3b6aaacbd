"""Recorded decisions of load limits for people: the newest at a moment, and lists, newest first."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.model.instants import Instant
from gateway.store.load_decisions import Unreadable, text_of_record
from gateway.store.readers import Readers


@dataclass(frozen=True, slots=True)
class Recorded:
    """A decision in the list: when it was made and what it shows; `text` is the record as JSON, where asked for.

    None: the record is damaged.
    """

    decision_id: int
    decided_at: Instant
    line: str
    text: bytes | None = None


async def newest_at(readers: Readers, at: Instant) -> Recorded | None:
    """The newest record at or before `at`."""
    row = await readers.row(
        "SELECT decision_id, decided_at, line, record FROM load_decisions"
        " WHERE decided_at <= ? ORDER BY decided_at DESC, decision_id DESC LIMIT 1",
        (at,),
    )
    return None if row is None else Recorded(row[0], Instant(row[1]), row[2], _text(row[3]))


async def page(
    readers: Readers, *, begin: Instant | None, end: Instant | None, before: int | None, limit: int, records: bool
) -> list[Recorded]:
    """Those made from `begin` to before `end`, newest first, with ids below `before`."""
    rows = await readers.rows(
        f"SELECT decision_id, decided_at, line{', record' if records else ''} FROM load_decisions"
        " WHERE decided_at >= ?1 AND decided_at < ?2 AND decision_id < ?3 ORDER BY decision_id DESC LIMIT ?4",
        (begin or 0, 2**63 - 1 if end is None else end, 2**63 - 1 if before is None else before, limit),
    )
    return [Recorded(row[0], Instant(row[1]), row[2], _text(row[3]) if records else None) for row in rows]


def _text(packed: bytes) -> bytes | None:
    try:
        return text_of_record(packed)
    except Unreadable:
        return None
