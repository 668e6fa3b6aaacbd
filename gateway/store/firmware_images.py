"""Table firmware_images: what each image is, who brought it, who approved it, and whether its bytes are there.

The bytes are in files under their digest; several images may have the same. What may be served is decided by
`rules.firmware_images`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from typing import NamedTuple

from gateway.model.instants import Instant
from gateway.rules.firmware_images import STATES as STATES
from gateway.rules.firmware_images import State, reason_not_to_serve
from gateway.store.writing import Writing


class ImageRow(NamedTuple):
    """One image; `manifest` is JSON. `damaged_at`: since then its bytes are not, or not all, on the disk."""

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
    state: State
    state_by: str
    state_at: Instant
    damaged_at: Instant | None
    checked_at: Instant  # when its bytes were last seen to be whole
    removed_at: Instant | None  # since then its bytes are not kept any more: it was withdrawn


_COLUMNS = ", ".join(ImageRow._fields)


def add(db: Writing, row: ImageRow) -> None:
    """Insert an image, or put it in place of the one with its id."""
    places = ", ".join("?" * len(row))
    db.execute(f"INSERT OR REPLACE INTO firmware_images ({_COLUMNS}) VALUES ({places})", row)


def find(db: Writing, image_id: str) -> ImageRow | None:
    """The image with this id, whatever its state."""
    row = db.execute(f"SELECT {_COLUMNS} FROM firmware_images WHERE image_id = ?", (image_id,)).fetchone()
    return None if row is None else ImageRow(*row)


def usable(row: ImageRow, *, require_verified: bool = False) -> bool:
    """May stations have it now?"""
    return why_unusable(row, require_verified=require_verified) is None


def why_unusable(row: ImageRow, *, require_verified: bool = False) -> str | None:
    """Why stations may not have it now, for people; None: they may."""
    return reason_not_to_serve(
        state=row.state,
        damaged=row.damaged_at is not None,
        verified=row.verified is not None,
        require_verified=require_verified,
    )


def kept(db: Writing) -> list[ImageRow]:
    """Every image that was not withdrawn, those first that were not looked at for the longest time."""
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM firmware_images WHERE state <> 'withdrawn' ORDER BY checked_at, image_id"
    )
    return [ImageRow(*row) for row in rows]


def with_digest(db: Writing, sha256: str) -> list[ImageRow]:
    """Every image that has these bytes and was not withdrawn."""
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM firmware_images WHERE sha256 = ? AND state <> 'withdrawn' ORDER BY image_id", (sha256,)
    )
    return [ImageRow(*row) for row in rows]


def set_state(db: Writing, image_id: str, state: State, *, by: str, now: Instant) -> None:
    """Somebody decided on it."""
    db.execute(
        "UPDATE firmware_images SET state = ?, state_by = ?, state_at = ? WHERE image_id = ?",
        (state, by, now, image_id),
    )


def found_whole(db: Writing, sha256: str, now: Instant) -> None:
    """The bytes with this digest are whole."""
    db.execute("UPDATE firmware_images SET checked_at = ?, damaged_at = NULL WHERE sha256 = ?", (now, sha256))


def found_damaged(db: Writing, sha256: str, now: Instant) -> None:
    """The bytes with this digest are missing or damaged."""
    db.execute(
        "UPDATE firmware_images SET damaged_at = ? WHERE sha256 = ? AND state <> 'withdrawn' AND damaged_at IS NULL",
        (now, sha256),
    )


def digests_needed(db: Writing) -> set[str]:
    """The bytes that must stay: of images that were not withdrawn, and of those that a campaign is still about."""
    rows = db.execute(
        """SELECT sha256 FROM firmware_images WHERE state <> 'withdrawn'
           UNION SELECT sha256 FROM firmware_images JOIN campaigns USING (image_id) WHERE finished_at IS NULL"""
    )
    return {sha256 for (sha256,) in rows}


def note_removed(db: Writing, needed: Collection[str], now: Instant) -> list[ImageRow]:
    """The withdrawn images whose bytes nobody needs: they are gone now. Returns those that had them until now."""
    rows = db.execute(f"SELECT {_COLUMNS} FROM firmware_images WHERE state = 'withdrawn' AND removed_at IS NULL")
    gone = [row for row in map(ImageRow._make, rows.fetchall()) if row.sha256 not in needed]
    db.connection.executemany(
        "UPDATE firmware_images SET removed_at = ? WHERE image_id = ?", [(now, row.image_id) for row in gone]
    )
    return [row._replace(removed_at=now) for row in gone]


def keep_withdrawn(live: sqlite3.Connection, copy: sqlite3.Connection) -> None:
    """`copy` takes the place of `live`: what somebody withdrew since stays withdrawn, and its addresses stay ended."""
    rows = live.execute("SELECT image_id, state_by, state_at FROM firmware_images WHERE state = 'withdrawn'").fetchall()
    for image_id, by, at in rows:
        copy.execute(
            "UPDATE firmware_images SET state = 'withdrawn', state_by = ?2, state_at = ?3"
            " WHERE image_id = ?1 AND state <> 'withdrawn'",
            (image_id, by, at),
        )
        copy.execute("UPDATE transfer_links SET ended_at = ?2 WHERE image_id = ?1 AND ended_at IS NULL", (image_id, at))
