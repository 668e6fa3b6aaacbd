"""The desk, asked from another thread: each question runs in the loop where the desk lives."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from firmware_store.tickets import Desk, Received, Served, Ticket

T = TypeVar("T")

_LONGEST_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class DeskAcross:
    """A Desk for the loop of another thread than `loop`, in which `desk` is asked."""

    desk: Desk
    loop: asyncio.AbstractEventLoop

    async def find(self, token: str) -> Ticket | None:
        """See Desk."""
        return await self._ask(self.desk.find(token))

    async def served(self, served: Served) -> None:
        """See Desk."""
        await self._ask(self.desk.served(served))

    async def received(self, received: Received) -> None:
        """See Desk."""
        await self._ask(self.desk.received(received))

    async def _ask(self, question: Coroutine[Any, Any, T]) -> T:
        return await across(question, self.loop)


async def across(question: Coroutine[Any, Any, T], loop: asyncio.AbstractEventLoop) -> T:
    """Run it in the other thread's loop. Raises OSError also when that loop does not answer."""
    if loop.is_closed():
        question.close()
        raise OSError("the other loop has ended")
    try:
        async with asyncio.timeout(_LONGEST_SECONDS):
            return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(question, loop))
    except TimeoutError as error:
        raise OSError("no answer in time") from error
