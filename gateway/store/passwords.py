"""Password hashes: argon2id with a salt of its own each. The only file that knows the hashing library.

Hashing is slow on purpose: callers run it in a thread, never in the event loop and never inside a unit of work. The
cost is chosen so that a hundred stations returning at once do not exhaust a small computer (19 MiB, two passes).
"""

from __future__ import annotations

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


def hash_password(password: bytes) -> str:
    """The hash to keep for these password bytes."""
    return _HASHER.hash(password)


def is_password(password_hash: str, presented: bytes) -> bool:
    """True when `presented` are the bytes that `password_hash` was made from; a damaged hash fits nothing."""
    try:
        return _HASHER.verify(password_hash, presented)
    except (VerificationError, InvalidHashError):
        return False
