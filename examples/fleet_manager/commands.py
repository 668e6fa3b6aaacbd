"""Commands to a gateway: their envelope, and their ids (ULIDs: they sort by time and are never used twice)."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from examples.fleet_manager.ledger import text_of

_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_command(
    type: str,
    *,
    seconds: int,
    station: str | None = None,
    connector: int | None = None,
    args: Mapping[str, Any] | None = None,
    if_offline: str = "reject",
    actor: str = "fleet-manager",
) -> dict[str, Any]:
    """A command that is good for so many seconds from now."""
    now, target = datetime.now(UTC), {"station": station, "connector": connector}
    return {
        "id": new_id(),
        "type": type,
        "target": {name: value for name, value in target.items() if value is not None},
        "args": dict(args or {}),
        "issued_at": text_of(now),
        "expires_at": text_of(now + timedelta(seconds=seconds)),
        "ttl_s": seconds,
        "actor": actor,
        "if_offline": if_offline,
    }


def new_id() -> str:
    """A ULID: 48 bits of time, 80 bits of chance, in Crockford's base 32."""
    number = int(time.time() * 1000) << 80 | secrets.randbits(80)
    return "".join(_DIGITS[number >> shift & 31] for shift in range(125, -1, -5))
