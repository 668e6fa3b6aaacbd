"""When a station turns out to take limits in another way, what was decided for it goes on."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from gateway.model.circuits import Outlet
from gateway.model.identities import StationId
from gateway.model.limiting import Limiting
from gateway.operations.give_limits import become
from gateway.operations.limits_held import Held, Wanted
from gateway.rules import sent_limits
from gateway.rules.sent_limits import Ledger

KNOWN = Limiting(stack_level=0)


def held(*, due: bool, amps: float) -> Held:
    """A station with a limit of session 7, which waits to be sent or was sent already."""
    one = Held(StationId("CP"), limiting=KNOWN)
    place = one.place(1)
    place.outlet = Outlet("CP", 1, "main")
    place.wanted = Wanted(amps, 600.0, 7, None, asyncio.get_running_loop().time(), falls=False)
    place.due, place.fallback_due = due, False
    return one


async def becomes(one: Held, known: Limiting) -> None:
    async def nothing_is_stored(unit: object) -> None:
        return None

    site: Any = SimpleNamespace(database=SimpleNamespace(write=nothing_is_stored))
    await become(site, one, known)


async def test_a_limit_that_was_decided_just_then_is_not_lost() -> None:
    one = held(due=True, amps=12.0)
    await becomes(one, replace(KNOWN, stack_level=8))
    place = one.place(1)
    assert place.due and place.wanted is not None and place.wanted.amps == 12.0, "the first limit of a session"
    assert place.fallback_due and one.known.stack_level == 8


async def test_a_limit_that_is_in_force_is_sent_again_in_the_new_way() -> None:
    one, at = held(due=False, amps=12.0), asyncio.get_running_loop().time()
    place = one.place(1)
    place.ledgers[7] = sent_limits.accepted(sent_limits.sending(Ledger(), 12.0, 600.0, at=at), at=at)
    await becomes(one, replace(KNOWN, stack_level=8))
    assert place.due and place.wanted is not None and place.wanted.amps == 12.0
