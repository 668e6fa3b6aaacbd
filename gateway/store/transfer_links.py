"""Rows of links: who may fetch or upload what, until when, and what came of it. They are the record of what was served.

Of a token only the digest is kept. Which addresses there are is not known here.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from gateway.model.identities import CommandId, StationId
from gateway.model.instants import Instant
from gateway.store.writing import Writing

LinkKind = Literal["image", "diagnostics", "log"]


class LinkRow(NamedTuple):
    """One row of `transfer_links`, without its token. `served_upto`: all bytes before it went out."""

    link_id: int
    station: StationId
    kind: LinkKind
    scheme: Literal["http", "https", "ftp", "ftps"]
    command_id: CommandId | None
    actor: str
    reason: str | None
    image_id: str | None
    sha256: str | None
    size: int | None
    file_name: str | None
    made_at: Instant
    expires_at: Instant
    ended_at: Instant | None
    attempts: int
    bytes_served: int
    served_upto: int
    first_at: Instant | None
    last_at: Instant | None
    complete_at: Instant | None


_COLUMNS = ", ".join(LinkRow._fields)


def add(
    db: Writing,
    token_digest: bytes,
    station: StationId,
    kind: LinkKind,
    *,
    scheme: str,
    actor: str,
    now: Instant,
    expires_at: Instant,
    command_id: CommandId | None = None,
    reason: str | None = None,
) -> int:
    """A new link for uploads; returns its number. `add_to_image` makes it one to an image."""
    row = db.execute(
        "INSERT INTO transfer_links (token_digest, station, kind, scheme, command_id, actor, reason, made_at,"
        " expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING link_id",
        (token_digest, station, kind, scheme, command_id, actor, reason, now, expires_at),
    ).fetchone()
    return int(row[0])


def add_to_image(
    db: Writing,
    token_digest: bytes,
    station: StationId,
    image_id: str,
    *,
    scheme: str,
    actor: str,
    now: Instant,
    expires_at: Instant,
    command_id: CommandId | None = None,
) -> int:
    """A new link to an image that is there; returns its number."""
    row = db.execute(
        "INSERT INTO transfer_links (token_digest, station, kind, scheme, command_id, actor, made_at, expires_at,"
        " image_id, sha256, size, file_name)"
        " SELECT ?, ?, 'image', ?, ?, ?, ?, ?, image_id, sha256, size, file_name FROM firmware_images"
        " WHERE image_id = ? RETURNING link_id",
        (token_digest, station, scheme, command_id, actor, now, expires_at, image_id),
    ).fetchone()
    return int(row[0])


def find(db: Writing, link_id: int) -> LinkRow | None:
    """The link, whether it is still good or not."""
    row = db.execute(f"SELECT {_COLUMNS} FROM transfer_links WHERE link_id = ?", (link_id,)).fetchone()
    return None if row is None else LinkRow(*row)


def token_digest_of(db: Writing, link_id: int) -> bytes:
    """What is kept of the token of a link that is there."""
    row = db.execute("SELECT token_digest FROM transfer_links WHERE link_id = ?", (link_id,)).fetchone()
    return bytes(row[0])


def find_good(db: Writing, token_digest: bytes, now: Instant, *, require_verified: bool = False) -> LinkRow | None:
    """The link of a token, if it may be used now: not expired, not ended, and its image may be served."""
    row = db.execute(
        f"SELECT {_COLUMNS} FROM transfer_links WHERE token_digest = ?1 AND ended_at IS NULL AND expires_at > ?2"
        " AND (image_id IS NULL OR EXISTS (SELECT 1 FROM firmware_images AS i"
        " WHERE i.image_id = transfer_links.image_id AND i.state = 'approved' AND i.damaged_at IS NULL"
        " AND (?3 = 0 OR i.verified IS NOT NULL)))",
        (token_digest, now, int(require_verified)),
    ).fetchone()
    return None if row is None else LinkRow(*row)


def of_command(db: Writing, command_id: str) -> LinkRow | None:
    """The link that was sent with a command."""
    row = db.execute(f"SELECT {_COLUMNS} FROM transfer_links WHERE command_id = ?", (command_id,)).fetchone()
    return None if row is None else LinkRow(*row)


def note_served(db: Writing, link_id: int, *, start: int, end: int, begins: bool, now: Instant) -> bool:
    """Bytes `start` to `end` went out; True when the file is complete with them for the first time."""
    row = db.execute(
        "UPDATE transfer_links SET attempts = attempts + ?2, bytes_served = bytes_served + max(?4 - ?3, 0),"
        " served_upto = CASE WHEN ?3 <= served_upto THEN max(served_upto, ?4) ELSE served_upto END,"
        " first_at = coalesce(first_at, ?5), last_at = ?5 WHERE link_id = ?1"
        " RETURNING complete_at IS NULL AND served_upto >= size",
        (link_id, int(begins), start, end, now),
    ).fetchone()
    if row is None or not row[0]:
        return False
    db.execute("UPDATE transfer_links SET complete_at = ? WHERE link_id = ?", (now, link_id))
    return True


def note_received(db: Writing, link_id: int, size: int, now: Instant) -> None:
    """A file was received; runs in the unit that records it."""
    db.execute(
        "UPDATE transfer_links SET attempts = attempts + 1, bytes_served = bytes_served + ?2,"
        " first_at = coalesce(first_at, ?3), last_at = ?3, complete_at = ?3 WHERE link_id = ?1",
        (link_id, size, now),
    )


def end_of_image(db: Writing, image_id: str, now: Instant) -> None:
    """From now on nobody may fetch this image by an address that was given before."""
    db.execute("UPDATE transfer_links SET ended_at = ?2 WHERE image_id = ?1 AND ended_at IS NULL", (image_id, now))


def end_of_station(db: Writing, station: str, now: Instant) -> None:
    """A removed station may not use its addresses any more."""
    db.execute("UPDATE transfer_links SET ended_at = ?2 WHERE station = ?1 AND ended_at IS NULL", (station, now))


def end(db: Writing, link_id: int, now: Instant) -> None:
    """This address is of no use any more."""
    db.execute("UPDATE transfer_links SET ended_at = ?2 WHERE link_id = ?1 AND ended_at IS NULL", (link_id, now))


def doubt_everything(db: Writing, now: Instant) -> None:
    """Of an older state nobody knows which addresses were taken back since: none is good any more."""
    db.execute("UPDATE transfer_links SET ended_at = ? WHERE ended_at IS NULL", (now,))
