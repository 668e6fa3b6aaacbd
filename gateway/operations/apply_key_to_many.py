"""One configuration key for many stations: ChangeConfiguration to each, a few at a time, through the usual corridor.

Each station's answer is told apart; what one says stops no other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from gateway.operations.carry_out_commands import carry_out
from gateway.operations.site import Site
from gateway.rules.secrecy import is_secret_name

AT_ONCE = 10
MOST_STATIONS = 500
LONGEST_KEY, LONGEST_VALUE = 50, 500  # OCPP 1.6 6.7: CiString50Type, CiString500Type

Document = dict[str, object]


def reason_to_refuse(stations: Sequence[str], key: str, value: str) -> str | None:
    """Why this is not done; None: it may be. A station's own answer is the judge of the value."""
    if not 1 <= len(stations) <= MOST_STATIONS:
        return f"stations: expected 1 to {MOST_STATIONS} ids"
    if len(set(stations)) < len(stations):
        return "stations: each id may stand there once"
    if not 1 <= len(key) <= LONGEST_KEY:
        return f"key: expected text of 1 to {LONGEST_KEY} characters"
    if len(value) > LONGEST_VALUE:
        return f"value: expected text of up to {LONGEST_VALUE} characters"
    if is_secret_name(key):
        return f"key: {key} is a secret, and each station is to have its own (POST /stations/ID/security)"
    return None


async def apply_key(site: Site, stations: Sequence[str], *, key: str, value: str, actor: str) -> list[Document]:
    """Per station, in the order given: what became of it.

    `status` is that of a command; `answer` is the station's word (Accepted, RebootRequired, Rejected, NotSupported).
    """
    turns = asyncio.Semaphore(AT_ONCE)

    async def change(station: str) -> Document:
        async with turns:
            outcome = await carry_out(
                site, station=station, action="ChangeConfiguration", payload={"key": key, "value": value}, actor=actor
            )
        answer = None if outcome.response is None else outcome.response.get("status")
        return {
            "station": station,
            "status": outcome.status,
            "answer": answer if isinstance(answer, str) else None,
            "command_id": outcome.command_id,
            "description": outcome.description or outcome.code,
        }

    return await asyncio.gather(*(change(station) for station in stations))
