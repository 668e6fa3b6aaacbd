"""Uploads for people: pages, newest first, and single ones."""

from __future__ import annotations

from dataclasses import dataclass
from sqlite3 import Row

from gateway.model.instants import Instant, text_of
from gateway.store.readers import Readers

Document = dict[str, object]


@dataclass(frozen=True, slots=True)
class UploadFilters:
    """Which uploads are asked for; None: any."""

    station: str | None = None
    kind: str | None = None
    command_id: str | None = None


async def page(readers: Readers, filters: UploadFilters, *, before: int | None, limit: int) -> list[Document]:
    """Newest first, upload ids below `before`."""
    of_station = "?1 IS NULL" if filters.station is None else "station = ?1"
    of_command = "?3 IS NULL" if filters.command_id is None else "command_id = ?3"
    rows = await readers.rows(
        f"SELECT * FROM uploads WHERE {of_station} AND (?2 IS NULL OR kind = ?2) AND {of_command}"
        " AND (?4 IS NULL OR upload_id < ?4) ORDER BY upload_id DESC LIMIT ?5",
        (filters.station, filters.kind, filters.command_id, before, limit),
    )
    return [_document_of(row) for row in rows]


async def find(readers: Readers, upload_id: int) -> Document | None:
    """One upload, or None."""
    row = await readers.row("SELECT * FROM uploads WHERE upload_id = ?", (upload_id,))
    return None if row is None else _document_of(row)


async def totals(readers: Readers) -> tuple[int, int]:
    """(files, bytes) of all uploads."""
    row = await readers.row("SELECT count(*), coalesce(sum(size), 0) FROM uploads")
    assert row is not None
    return row[0], row[1]


def _document_of(row: Row) -> Document:
    plain = (
        "upload_id", "station", "kind", "reason", "command_id", "link_id", "file_name", "size", "sha256", "scheme",
        "address", "forwarding", "forward_to", "forward_tries", "forward_error",
    )  # fmt: skip
    return {
        **{name: row[name] for name in plain},
        "empty": row["size"] == 0,
        "received_time": text_of(row["received_at"]),
        "forward_time": _text(row["forward_at"]),
        "missing_time": _text(row["missing_at"]),
    }


def _text(instant: Instant | None) -> str | None:
    return None if instant is None else text_of(instant)
