"""Whose turn it is to transfer: few stations at once, few transfers of one station, and a bounded queue of the others.

A station keeps its turn for a moment after a transfer that did not reach the end of the file: one that fetches in many
small pieces would otherwise wait in the queue for each of them.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

_MOST_OF_ONE_STATION = 2
_KEPT_SECONDS = 3.0


class Crowded(Exception):
    """There is no turn to be had: the queue is full, or it was waited for too long."""


@dataclass(slots=True)
class Turn:
    """Set `finished` when the station needs no more turns soon."""

    finished: bool = False


@dataclass(slots=True)
class _Holder:
    transfers: int
    expiry: asyncio.TimerHandle | None = None


class Turns:
    """For one event loop."""

    def __init__(self, *, at_once: int, most_waiting: int, wait_seconds: float) -> None:
        self._at_once = at_once
        self._most_waiting = most_waiting
        self._wait_seconds = wait_seconds
        self._holders: dict[str, _Holder] = {}
        self._waiting: deque[tuple[str, asyncio.Future[None]]] = deque()

    @asynccontextmanager
    async def turn(self, station: str) -> AsyncIterator[Turn]:
        """Wait for the station's turn and hold it for the length of the block. Raises Crowded."""
        if self._may(station):
            self._begin(station)
        else:
            await self._wait(station)
        turn = Turn()
        try:
            yield turn
        finally:
            self._end(station, keep=not turn.finished)

    async def _wait(self, station: str) -> None:
        if len(self._waiting) >= self._most_waiting:
            raise Crowded
        place: tuple[str, asyncio.Future[None]] = (station, asyncio.get_running_loop().create_future())
        self._waiting.append(place)
        try:
            async with asyncio.timeout(self._wait_seconds):
                await place[1]
        except (TimeoutError, asyncio.CancelledError) as reason:
            if place in self._waiting:
                self._waiting.remove(place)
            else:  # its turn had just begun
                self._end(station, keep=False)
            if isinstance(reason, TimeoutError):
                raise Crowded from None
            raise

    def _may(self, station: str) -> bool:
        holder = self._holders.get(station)
        return holder.transfers < _MOST_OF_ONE_STATION if holder else len(self._holders) < self._at_once

    def _begin(self, station: str) -> None:
        holder = self._holders.setdefault(station, _Holder(0))
        holder.transfers += 1
        if holder.expiry is not None:
            holder.expiry.cancel()
            holder.expiry = None

    def _end(self, station: str, *, keep: bool) -> None:
        holder = self._holders[station]
        holder.transfers -= 1
        if not holder.transfers:
            if keep:
                holder.expiry = asyncio.get_running_loop().call_later(_KEPT_SECONDS, self._expire, station)
            else:
                del self._holders[station]
        self._call_next()

    def _expire(self, station: str) -> None:
        del self._holders[station]
        self._call_next()

    def _call_next(self) -> None:
        still: deque[tuple[str, asyncio.Future[None]]] = deque()
        for station, place in self._waiting:
            if self._may(station) and not place.done():
                self._begin(station)
                place.set_result(None)
            else:
                still.append((station, place))
        self._waiting = still
