"""API tokens: made, listed, revoked. A token is shown once, when it is made; afterwards only its digest is known.

`create_token_offline` serves the command line whether or not the daemon runs: SQLite keeps the two writers apart.
"""

from __future__ import annotations

import logging
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from gateway.model.instants import Instant
from gateway.operations.write_offline import COMMAND_LINE, write_offline
from gateway.store import events, one_time_codes, tokens
from gateway.store.tokens import TokenRow
from gateway.store.writing import Writing

if TYPE_CHECKING:
    from gateway.configuration import Configuration
    from gateway.operations.site import Site

logger = logging.getLogger(__name__)

Role = Literal["viewer", "operator", "installer"]
ROLES: tuple[Role, ...] = get_args(Role)


@dataclass(frozen=True, slots=True)
class MadeToken:
    """A new token; `text` is the secret, to be shown once."""

    text: str
    row: TokenRow


def new_token_text() -> str:
    """A token with 256 random bits, recognisable as one of ours."""
    return f"ocppgw_{secrets.token_urlsafe(32)}"


async def create_token(site: Site, *, role: Role, name: str, actor: str) -> MadeToken:
    """Make a token for the running gateway."""
    text, now = new_token_text(), site.wall_clock()
    row = await site.database.write(lambda db: _add(db, text=text, role=role, name=name, actor=actor, now=now))
    logger.info("token %d (%s) made by %s", row.token_id, role, actor)
    return MadeToken(text, row)


async def revoke_token(site: Site, token_id: int, *, actor: str) -> bool:
    """Forget a token: it opens nothing from now on, nor do codes that it made. False: no such id."""
    now = site.wall_clock()

    def unit(db: Writing) -> bool:
        row = tokens.remove(db, token_id)
        if row is None:
            return False
        one_time_codes.remove_made_by(db, actor_of_token(row))
        data = {"token_id": token_id, "name": row.name, "role": row.role, "actor": actor}
        events.append(db, "token.revoked", happened_at=now, recorded_at=now, data=data)
        return True

    revoked = await site.database.write(unit)
    if revoked:
        logger.info("token %d revoked by %s", token_id, actor)
    return revoked


def create_token_offline(configuration: Configuration, role: Role, name: str) -> str:
    """Make a token straight in the database file, making the file if needed. Raises UnusableDatabase, OSError."""
    text, now = new_token_text(), Instant(time.time_ns() // 1000)
    write_offline(configuration, lambda db: _add(db, text=text, role=role, name=name, actor=COMMAND_LINE, now=now))
    return text


def actor_of_token(token: TokenRow) -> str:
    """What the journal calls whoever has a token."""
    return f"token {token.token_id} ({token.name})" if token.name else f"token {token.token_id}"


def _add(db: Writing, *, text: str, role: Role, name: str, actor: str, now: Instant) -> TokenRow:
    row = tokens.add(db, token=text, name=name, role=role, now=now)
    data = {"token_id": row.token_id, "name": name, "role": role, "actor": actor}
    events.append(db, "token.created", happened_at=now, recorded_at=now, data=data)
    return row
