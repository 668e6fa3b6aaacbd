""" "The journal grew": wakes whoever reads it (live feed, upstream, background index). It carries no data.

A reader remembers the generation it has seen, waits for a newer one, then reads the journal from its own cursor.
"""

from __future__ import annotations

import asyncio


class JournalSignal:
    """Any number of readers; announcing costs nothing when nobody waits."""

    __slots__ = ("_waiter", "generation")

    def __init__(self) -> None:
        self.generation = 0
        self._waiter: asyncio.Future[None] | None = None

    def announce(self) -> None:
        """Say that rows were committed."""
        self.generation += 1
        if self._waiter is not None:
            if not self._waiter.done():
                self._waiter.set_result(None)
            self._waiter = None

    async def newer_than(self, seen: int) -> int:
        """Return the current generation as soon as it is greater than `seen`."""
        while self.generation <= seen:
            if self._waiter is None:
                self._waiter = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._waiter)
        return self.generation
