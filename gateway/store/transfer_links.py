"""Table transfer_links: who may fetch or upload what, until when, and what came of it."""

from __future__ import annotations

from gateway.model.instants import Instant
from gateway.store.writing import Writing


def end_of_image(db: Writing, image_id: str, now: Instant) -> None:
    """From now on nobody may fetch this image by an address that was given before."""
    db.execute("UPDATE transfer_links SET ended_at = ?2 WHERE image_id = ?1 AND ended_at IS NULL", (image_id, now))
