"""Security events for people, newest first: those that stations told, and those that the gateway saw itself."""

from __future__ import annotations

from dataclasses import dataclass
from sqlite3 import Row

from gateway.model.instants import text_of
from gateway.store.readers import Readers

Document = dict[str, object]


@dataclass(frozen=True, slots=True)
class EventFilters:
    """Which events are asked for; None: any."""

    station: str | None = None
    source: str | None = None
    critical: bool | None = None


async def page(readers: Readers, filters: EventFilters, *, before: int | None, limit: int) -> list[Document]:
    """In the order in which they were recorded, newest first, ids below `before`."""
    of_station = "?1 IS NULL" if filters.station is None else "station = ?1"
    rows = await readers.rows(
        f"SELECT * FROM security_events WHERE {of_station} AND (?2 IS NULL OR source = ?2)"
        " AND (?3 IS NULL OR critical = ?3) AND (?4 IS NULL OR id < ?4) ORDER BY id DESC LIMIT ?5",
        (filters.station, filters.source, filters.critical, before, limit),
    )
    return [_document_of(row) for row in rows]


def _document_of(row: Row) -> Document:
    return {
        "security_event_id": row["id"],
        "source": row["source"],
        "station": row["station"],
        "type": row["type"],
        "critical": bool(row["critical"]),
        "times": row["times"],
        "tech_info": row["tech_info"],
        "address": row["address"],
        "time": text_of(row["happened_at"]),
        "recorded_time": text_of(row["recorded_at"]),
    }
