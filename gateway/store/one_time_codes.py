"""Codes that are good once: whoever has one becomes a user of its role, or gives its user a new password.

Only digests are kept, of the newest `MOST` codes; what is too old is gone with the next one that is made.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.model.instants import Instant
from gateway.store.readers import Readers
from gateway.store.tokens import digest_of
from gateway.store.writing import Writing

MOST = 5

_COLUMNS = "code_id, role, user_id, made_by, made_at, expires_at"


@dataclass(frozen=True, slots=True)
class CodeRow:
    """A code without its text; `user_id` is None for a new user."""

    code_id: int
    role: str
    user_id: int | None
    made_by: str
    made_at: Instant
    expires_at: Instant


def add(
    db: Writing, *, text: str, role: str, user_id: int | None, made_by: str, now: Instant, until: Instant
) -> CodeRow:
    """Remember a new code in its comparable form."""
    row = db.execute(
        f"""INSERT INTO one_time_codes (digest, role, user_id, made_by, made_at, expires_at)
            VALUES (?, ?, ?, ?, ?, ?) RETURNING {_COLUMNS}""",
        (digest_of(text), role, user_id, made_by, now, until),
    ).fetchone()
    db.execute(
        """DELETE FROM one_time_codes WHERE expires_at < ? OR code_id NOT IN (
               SELECT code_id FROM one_time_codes ORDER BY code_id DESC LIMIT ?)""",
        (now, MOST),
    )
    return CodeRow(*row)


def use(db: Writing, text: str, *, now: Instant) -> CodeRow | None:
    """Take the code away, so that it is good once; None when there is none, or it is too old."""
    row = db.execute(
        f"DELETE FROM one_time_codes WHERE digest = ? AND expires_at >= ? RETURNING {_COLUMNS}", (digest_of(text), now)
    ).fetchone()
    return None if row is None else CodeRow(*row)


def remove(db: Writing, code_id: int) -> CodeRow | None:
    """Forget a code; what it was, or None when there is none with this id."""
    row = db.execute(f"DELETE FROM one_time_codes WHERE code_id = ? RETURNING {_COLUMNS}", (code_id,)).fetchone()
    return None if row is None else CodeRow(*row)


def remove_of_user(db: Writing, user_id: int) -> None:
    """Forget the codes for a new password of this user."""
    db.execute("DELETE FROM one_time_codes WHERE user_id = ?", (user_id,))


def remove_made_by(db: Writing, maker: str) -> None:
    """Forget the codes that somebody made."""
    db.execute("DELETE FROM one_time_codes WHERE made_by = ?", (maker,))


def rename_maker(db: Writing, before: str, after: str) -> None:
    """Somebody who makes codes has another name now."""
    db.execute("UPDATE one_time_codes SET made_by = ? WHERE made_by = ?", (after, before))


def doubt_everything(db: Writing, now: Instant) -> None:
    """After a restore: a code of the backup may have been used since, so none comes back."""
    db.execute("DELETE FROM one_time_codes")


async def find(readers: Readers, text: str, *, now: Instant) -> CodeRow | None:
    """The code with this comparable text, unless it is too old."""
    row = await readers.row(
        f"SELECT {_COLUMNS} FROM one_time_codes WHERE digest = ? AND expires_at >= ?", (digest_of(text), now)
    )
    return None if row is None else CodeRow(*row)


async def known(readers: Readers, *, now: Instant) -> list[CodeRow]:
    """The codes that are still good, newest first."""
    rows = await readers.rows(
        f"SELECT {_COLUMNS} FROM one_time_codes WHERE expires_at >= ? ORDER BY code_id DESC", (now,)
    )
    return [CodeRow(*row) for row in rows]
