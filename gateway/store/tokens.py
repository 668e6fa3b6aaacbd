"""API tokens: who may use the web door in which role. Only the SHA-256 digest of a token is ever stored.

The digest needs no salt and no slow hash, because the token itself has 256 random bits.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from gateway.model.instants import Instant
from gateway.store.readers import Readers
from gateway.store.writing import Writing

_COLUMNS = "token_id, name, role, created_at"


@dataclass(frozen=True, slots=True)
class TokenRow:
    """A token without its secret. `role` is viewer, operator or installer."""

    token_id: int
    name: str
    role: str
    created_at: Instant


def digest_of(token: str) -> str:
    """The form in which a token is stored and looked up."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def add(db: Writing, *, token: str, name: str, role: str, now: Instant) -> TokenRow:
    """Remember a new token."""
    row = db.execute(
        "INSERT INTO tokens (name, role, digest, created_at) VALUES (?, ?, ?, ?) RETURNING token_id",
        (name, role, digest_of(token), now),
    ).fetchone()
    return TokenRow(row[0], name, role, now)


def remove(db: Writing, token_id: int) -> TokenRow | None:
    """Forget a token; what it was, or None when there is none with this id."""
    row = db.execute(f"DELETE FROM tokens WHERE token_id = ? RETURNING {_COLUMNS}", (token_id,)).fetchone()
    return None if row is None else TokenRow(*row)


async def find(readers: Readers, token: str) -> TokenRow | None:
    """The stored token equal to `token`, or None."""
    row = await readers.row(f"SELECT {_COLUMNS} FROM tokens WHERE digest = ?", (digest_of(token),))
    return None if row is None else TokenRow(*row)


async def page(readers: Readers, *, after: int, limit: int) -> list[TokenRow]:
    """Tokens in the order they were made, beginning after the id `after`."""
    rows = await readers.rows(
        f"SELECT {_COLUMNS} FROM tokens WHERE token_id > ? ORDER BY token_id LIMIT ?", (after, limit)
    )
    return [TokenRow(*row) for row in rows]
