"""Is the presented password the station's? The one that counts, or a new one that the station was sent meanwhile.

Hashing takes long, so it runs in a thread, outside of any unit of work. Whether a password is needed at all is not
decided here (`rules.security_profiles`).
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from gateway.configuration import read_secret
from gateway.model.identities import StationId
from gateway.rules.security_profiles import Password
from gateway.rules.station_passwords import Form, key_bytes
from gateway.store.passwords import is_password

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Passwords:
    """What may count for a station: `hashes`, the one in force first; without one in force, the file's."""

    station: StationId
    hashes: tuple[str, ...]
    file: Path | None


@dataclass(frozen=True, slots=True)
class Found:
    """`password_hash`: of the one that was right, None for the file's. `fresh`: it took its time to find out."""

    password: Password
    password_hash: str | None = None
    fresh: bool = False
    as_hex_text: bool = False


@dataclass(slots=True)
class Verified:
    """Passwords that were right a moment ago, as keyed digests, so that a storm of reconnects costs no argon2.

    A digest belongs to one hash: a hash that does not count any more is not asked for.
    """

    key: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    digests: dict[tuple[StationId, str], bytes] = field(default_factory=dict)


async def find_password(passwords: Passwords, forms: Iterable[Form], verified: Verified) -> Found:
    """Which of the station's passwords was presented, in which of its forms."""
    if not passwords.hashes and passwords.file is None:
        logger.error("no password is set for a station that needs one", extra={"station": passwords.station})
        return Found("not_set")
    for form in forms:
        if passwords.file is not None and _is_in_file(passwords.station, passwords.file, form.secret):
            return Found("right", as_hex_text=form.as_hex_text)
        for password_hash in passwords.hashes:
            fresh = await _is_right(passwords.station, password_hash, form.secret, verified)
            if fresh is not None:
                return Found("right", password_hash, fresh, form.as_hex_text)
    return Found("wrong")


async def _is_right(station: StationId, password_hash: str, presented: bytes, verified: Verified) -> bool | None:
    """None when wrong; else whether it had to be hashed."""
    digest = hmac.digest(verified.key, presented, hashlib.sha256)
    place = (station, password_hash)
    if hmac.compare_digest(verified.digests.get(place, b""), digest):
        return False
    if not await asyncio.to_thread(is_password, password_hash, presented):
        return None
    for old in [one for one in verified.digests if one[0] == station]:
        del verified.digests[old]
    verified.digests[place] = digest
    return True


def _is_in_file(station: StationId, file: Path, presented: bytes) -> bool:
    try:
        secret = read_secret(file)
    except OSError as error:
        logger.error("password file not readable: %s", error, extra={"station": station})
        return False
    return bool(secret) and hmac.compare_digest(key_bytes(secret), presented)
