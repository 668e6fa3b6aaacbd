"""Lower limits for a time: at most one per circuit and source. All but `listed` run inside a unit of work."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from gateway.model.circuits import TemporaryLimit
from gateway.model.instants import Instant
from gateway.store.readers import Readers
from gateway.store.writing import Writing

_ALL = (
    "SELECT circuit, source, amps_1, amps_2, amps_3, until, set_by, set_at FROM temporary_limits"
    " ORDER BY circuit, source"
)


class KeptLimit(NamedTuple):
    """The limit, who set it, and when (None: nobody, it stands in the file)."""

    limit: TemporaryLimit
    set_by: str
    set_at: Instant | None


def keep(db: Writing, limit: TemporaryLimit, *, set_by: str, now: Instant) -> None:
    """Set the limit of this source for its circuit; one that it set before is replaced."""
    db.execute(
        "INSERT OR REPLACE INTO temporary_limits VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (limit.circuit, limit.source, *limit.limit_amps, limit.until, set_by, now),
    )


def remove(db: Writing, circuit: str, source: str) -> bool:
    """Take the limit away; False when there was none."""
    gone = db.execute("DELETE FROM temporary_limits WHERE circuit = ? AND source = ?", (circuit, source))
    return gone.rowcount > 0


def of_circuit(db: Writing, circuit: str) -> list[KeptLimit]:
    """Those of one circuit, by source."""
    return [one for one in every(db) if one.limit.circuit == circuit]


def every(db: Writing) -> list[KeptLimit]:
    """All of them, by circuit and source, also those whose time is over."""
    return _kept(db.execute(_ALL))


async def listed(readers: Readers) -> list[KeptLimit]:
    """The same, for people."""
    return _kept(await readers.rows(_ALL))


def _kept(rows: Iterable[Iterable[Any]]) -> list[KeptLimit]:
    return [
        KeptLimit(TemporaryLimit(circuit, (one, two, three), source, until), set_by, set_at)
        for circuit, source, one, two, three, until, set_by, set_at in rows
    ]
