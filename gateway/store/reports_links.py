"""Links for people: what was given to which station, and what was served of it. Tokens are not known any more."""

from __future__ import annotations

from dataclasses import dataclass
from sqlite3 import Row

from gateway.model.instants import Instant, text_of
from gateway.store.readers import Readers

Document = dict[str, object]


@dataclass(frozen=True, slots=True)
class LinkFilters:
    """Which links are asked for; None: any."""

    station: str | None = None
    image_id: str | None = None
    command_id: str | None = None


async def page(readers: Readers, filters: LinkFilters, *, before: int | None, limit: int) -> list[Document]:
    """Newest first, link ids below `before`."""
    rows = await readers.rows(
        "SELECT * FROM transfer_links WHERE (?1 IS NULL OR station = ?1) AND (?2 IS NULL OR image_id = ?2)"
        " AND (?3 IS NULL OR command_id = ?3) AND (?4 IS NULL OR link_id < ?4) ORDER BY link_id DESC LIMIT ?5",
        (filters.station, filters.image_id, filters.command_id, before, limit),
    )
    return [_document_of(row) for row in rows]


def _document_of(row: Row) -> Document:
    plain = (
        "link_id", "station", "kind", "scheme", "command_id", "actor", "reason", "image_id", "sha256", "size",
        "file_name", "attempts", "bytes_served", "served_upto",
    )  # fmt: skip
    return {
        **{name: row[name] for name in plain},
        "made_time": text_of(row["made_at"]),
        "expires_time": text_of(row["expires_at"]),
        "ended_time": _text(row["ended_at"]),
        "first_time": _text(row["first_at"]),
        "last_time": _text(row["last_at"]),
        "complete_time": _text(row["complete_at"]),
    }


def _text(instant: Instant | None) -> str | None:
    return None if instant is None else text_of(instant)
