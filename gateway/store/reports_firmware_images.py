"""Firmware images for people: pages, newest first, and single ones, with what the manifest says."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from gateway.model.instants import Instant, text_of
from gateway.store.firmware_images import ImageRow, why_unusable
from gateway.store.readers import Readers

Document = dict[str, object]

_COLUMNS = ", ".join(ImageRow._fields)


@dataclass(frozen=True, slots=True)
class ImageFilters:
    """Which images are asked for; None: any, of `state` any that was not withdrawn."""

    state: str | None = None
    vendor: str | None = None
    model: str | None = None
    sha256: str | None = None


async def page(
    readers: Readers, filters: ImageFilters, *, after: str | None, limit: int, require_verified: bool
) -> list[Document]:
    """Newest first, those behind the image `after`."""
    rows = await readers.rows(
        f"""SELECT {_COLUMNS} FROM firmware_images
            WHERE (state = ?1 OR (?1 IS NULL AND state <> 'withdrawn'))
            AND (?2 IS NULL OR manifest ->> 'vendor' = ?2)
            AND (?3 IS NULL OR EXISTS (SELECT 1 FROM json_each(manifest, '$.models') WHERE value = ?3))
            AND (?4 IS NULL OR sha256 = ?4)
            AND (?5 IS NULL OR (imported_at, image_id) <
                 (SELECT imported_at, image_id FROM firmware_images WHERE image_id = ?5))
            ORDER BY imported_at DESC, image_id DESC LIMIT ?6""",
        (filters.state, filters.vendor, filters.model, filters.sha256, after, limit),
    )
    return [document_of(ImageRow(*row), require_verified=require_verified) for row in rows]


async def single(readers: Readers, image_id: str, *, require_verified: bool) -> Document | None:
    """One image, whatever its state."""
    row = await readers.row(f"SELECT {_COLUMNS} FROM firmware_images WHERE image_id = ?", (image_id,))
    return None if row is None else document_of(ImageRow(*row), require_verified=require_verified)


def document_of(row: ImageRow, *, require_verified: bool) -> Document:
    """One image as the API shows it."""
    reason = why_unusable(row, require_verified=require_verified)
    return {
        "image_id": row.image_id,
        "sha256": row.sha256,
        "size": row.size,
        "verified": row.verified is not None,
        "verified_by": row.verified,
        "verification": row.verification,
        "state": row.state,
        "state_by": row.state_by,
        "state_time": text_of(row.state_at),
        "usable": reason is None,
        "reason": reason,
        **msgspec.json.decode(row.manifest),
        "source": row.source,
        "imported_by": row.imported_by,
        "imported_time": text_of(row.imported_at),
        "damaged_time": _text(row.damaged_at),
        "checked_time": text_of(row.checked_at),
        "removed_time": _text(row.removed_at),
    }


def _text(instant: Instant | None) -> str | None:
    return None if instant is None else text_of(instant)
