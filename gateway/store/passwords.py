"""Password hashes: argon2id with a salt of its own each. The only file that knows the hashing library.

Hashing is slow on purpose: callers run it in a thread, never in the event loop and never inside a unit of work. The
cost is chosen so that a hundred stations returning at once do not exhaust a small computer (19 MiB, two passes). The
library is imported by the first password, in the caller's thread: a site without passwords starts without it.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argon2 import PasswordHasher


# Of random bytes that nobody kept: what is compared where there is no user, so that it takes as long as where there is.
NOBODYS_HASH = "$argon2id$v=19$m=19456,t=2,p=1$fzbjpbrJJoTx4k6p6fv7sQ$k0tN/tf2Fa8+BJ3zpbXPpwyDrObj6Zt/lUeZ3KqZ9/o"


def hash_password(password: bytes) -> str:
    """The hash to keep for these password bytes."""
    return _hasher().hash(password)


def is_password(password_hash: str, presented: bytes) -> bool:
    """True when `presented` are the bytes that `password_hash` was made from; a damaged hash fits nothing."""
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        return _hasher().verify(password_hash, presented)
    except (VerificationError, InvalidHashError):
        return False


@cache
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
