"""Rows of firmware images."""

from __future__ import annotations

from typing import NamedTuple

from gateway.model.instants import Instant
from gateway.store.writing import Writing


class ImageRow(NamedTuple):
    """One row of `firmware_images`."""

    image_id: str
    sha256: str
    size: int
    file_name: str
    manifest: str
    verified: str | None
    verification: str
    source: str
    imported_by: str
    imported_at: Instant
    state: str
    state_by: str
    state_at: Instant
    damaged_at: Instant | None


def find(db: Writing, image_id: str) -> ImageRow | None:
    """The image, in whatever state."""
    columns = ", ".join(ImageRow._fields)
    row = db.execute(f"SELECT {columns} FROM firmware_images WHERE image_id = ?", (image_id,)).fetchone()
    return None if row is None else ImageRow(*row)


def why_unusable(image: ImageRow) -> str | None:
    """Why nobody may fetch the image now; None: it may be used."""
    if image.state != "approved":
        return "it was withdrawn" if image.state == "withdrawn" else "nobody has approved it"
    return "its bytes are damaged or missing" if image.damaged_at is not None else None
