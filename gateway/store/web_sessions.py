"""Who is logged in on the web page: the digests of cookies. How long a session lasts is told by whoever asks.

A user has at most `MOST_OF_A_USER` sessions: the one that was seen least lately ends for a new one.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.model.instants import Instant
from gateway.store.readers import Readers
from gateway.store.tokens import digest_of
from gateway.store.writing import Writing

MOST_OF_A_USER = 20


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session that stands, and whose it is."""

    user_id: int
    name: str
    role: str
    last_seen_at: Instant


def begin(db: Writing, *, secret: str, user_id: int, agent: str, now: Instant) -> None:
    """Remember that whoever has `secret` is this user."""
    db.execute(
        "INSERT INTO web_sessions (digest, user_id, made_at, last_seen_at, agent) VALUES (?, ?, ?, ?, ?)",
        (digest_of(secret), user_id, now, now, agent),
    )
    db.execute(
        """DELETE FROM web_sessions WHERE user_id = ?1 AND digest NOT IN (
               SELECT digest FROM web_sessions WHERE user_id = ?1 ORDER BY last_seen_at DESC, made_at DESC LIMIT ?2)""",
        (user_id, MOST_OF_A_USER),
    )


def saw(db: Writing, secret: str, *, now: Instant) -> None:
    """Note that the session is used."""
    db.execute("UPDATE web_sessions SET last_seen_at = ? WHERE digest = ?", (now, digest_of(secret)))


def end(db: Writing, secret: str) -> bool:
    """End one session; False when there is none."""
    return db.execute("DELETE FROM web_sessions WHERE digest = ?", (digest_of(secret),)).rowcount > 0


def end_of_user(db: Writing, user_id: int) -> None:
    """End all sessions of a user."""
    db.execute("DELETE FROM web_sessions WHERE user_id = ?", (user_id,))


def end_old(db: Writing, *, seen_before: Instant, made_before: Instant) -> None:
    """End what was not seen, or stands, for too long."""
    db.execute("DELETE FROM web_sessions WHERE last_seen_at < ? OR made_at < ?", (seen_before, made_before))


def doubt_everything(db: Writing, now: Instant) -> None:
    """After a restore: a session of the backup may have been ended since, so none comes back."""
    db.execute("DELETE FROM web_sessions")


async def find(readers: Readers, secret: str, *, seen_since: Instant, made_since: Instant) -> SessionRow | None:
    """The session of this cookie and its user, unless it was not seen, or stands, for too long."""
    row = await readers.row(
        """SELECT users.user_id, users.name, users.role, last_seen_at FROM web_sessions JOIN users USING (user_id)
           WHERE digest = ? AND last_seen_at >= ? AND made_at >= ?""",
        (digest_of(secret), seen_since, made_since),
    )
    return None if row is None else SessionRow(*row)
