"""Accounts of people: name, role and the hash of a password. A name is one name however its letters are written.

It does not know what makes a password good, nor who may change what.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gateway.model.instants import Instant
from gateway.store.readers import Readers
from gateway.store.writing import Writing

_COLUMNS = "user_id, name, role, created_at, password_at"


@dataclass(frozen=True, slots=True)
class UserRow:
    """A user without the password. `role` is viewer, operator or installer."""

    user_id: int
    name: str
    role: str
    created_at: Instant
    password_at: Instant


@dataclass(frozen=True, slots=True)
class NewUser:
    """A user to be added; `folded_name` is the name as it is compared (rules/people)."""

    name: str
    folded_name: str
    role: str
    password_hash: str


def add(db: Writing, new: NewUser, *, now: Instant) -> UserRow | None:
    """Remember a new user; None when the name is another one's."""
    row = db.execute(
        f"""INSERT INTO users (name, folded_name, role, password_hash, created_at, password_at)
            VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (folded_name) DO NOTHING RETURNING {_COLUMNS}""",
        (new.name, new.folded_name, new.role, new.password_hash, now, now),
    ).fetchone()
    return None if row is None else UserRow(*row)


def one(db: Writing, user_id: int) -> UserRow | None:
    """The user with this id."""
    row = db.execute(f"SELECT {_COLUMNS} FROM users WHERE user_id = ?", (user_id,)).fetchone()
    return None if row is None else UserRow(*row)


def has_password_hash(db: Writing, user_id: int, password_hash: str) -> bool:
    """Whether the user is there and this is the hash of the password that counts."""
    row = db.execute("SELECT password_hash FROM users WHERE user_id = ?", (user_id,)).fetchone()
    return row is not None and row[0] == password_hash


def named(db: Writing, folded_name: str) -> UserRow | None:
    """The user with this name."""
    row = db.execute(f"SELECT {_COLUMNS} FROM users WHERE folded_name = ?", (folded_name,)).fetchone()
    return None if row is None else UserRow(*row)


def rename(db: Writing, user_id: int, *, name: str, folded_name: str) -> bool:
    """Give another name; False when it is another user's."""
    taken = named(db, folded_name)
    if taken is not None and taken.user_id != user_id:
        return False
    db.execute("UPDATE users SET name = ?, folded_name = ? WHERE user_id = ?", (name, folded_name, user_id))
    return True


def set_role(db: Writing, user_id: int, role: str) -> None:
    """Give another role."""
    db.execute("UPDATE users SET role = ? WHERE user_id = ?", (role, user_id))


def set_password(db: Writing, user_id: int, password_hash: str, *, now: Instant) -> None:
    """Give another password."""
    db.execute("UPDATE users SET password_hash = ?, password_at = ? WHERE user_id = ?", (password_hash, now, user_id))


def remove(db: Writing, user_id: int) -> None:
    """Forget a user."""
    db.execute("DELETE FROM users WHERE user_id = ?", (user_id,))


def is_last_installer(db: Writing, user_id: int) -> bool:
    """Whether this user is an installer and no other user is."""
    installers = [row[0] for row in db.execute("SELECT user_id FROM users WHERE role = 'installer' LIMIT 2")]
    return installers == [user_id]


def count(db: Writing) -> int:
    """How many users there are."""
    (number,) = db.execute("SELECT count(*) FROM users").fetchone()
    return int(number)


async def how_many(readers: Readers) -> int:
    """How many users there are, as of the newest commit."""
    row = await readers.row("SELECT count(*) FROM users")
    assert row is not None
    return int(row[0])


async def find(readers: Readers, folded_name: str) -> tuple[UserRow, str] | None:
    """The user with this name, and the hash of the password."""
    return _with_hash(
        await readers.row(f"SELECT {_COLUMNS}, password_hash FROM users WHERE folded_name = ?", (folded_name,))
    )


async def find_by_id(readers: Readers, user_id: int) -> tuple[UserRow, str] | None:
    """The user with this id, and the hash of the password."""
    return _with_hash(await readers.row(f"SELECT {_COLUMNS}, password_hash FROM users WHERE user_id = ?", (user_id,)))


async def page(readers: Readers, *, after: int, limit: int) -> list[tuple[UserRow, Instant | None]]:
    """Users in the order they were made, with the time at which each was seen last (to the hour), after the id."""
    rows = await readers.rows(
        f"""SELECT {_COLUMNS}, (SELECT max(last_seen_at) FROM web_sessions WHERE web_sessions.user_id = users.user_id)
            FROM users WHERE user_id > ? ORDER BY user_id LIMIT ?""",
        (after, limit),
    )
    return [(UserRow(*tuple(row)[:-1]), None if row[-1] is None else Instant(row[-1])) for row in rows]


def _with_hash(row: Sequence[Any] | None) -> tuple[UserRow, str] | None:
    if row is None:
        return None
    columns = tuple(row)
    return UserRow(*columns[:-1]), str(columns[-1])
