"""Bytes of a file to one client: by the kernel alone where that is possible, never faster than the client reads.

Positions are those that the kernel has taken, which is little more than what is sent (`connections`). With TLS, and for
small parts, the bytes pass through the program.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from firmware_store.connections import Connection
from firmware_store.pace import Pace
from firmware_store.progress_notes import Piece

_COPIED_PIECE = 64 * 1024
_SMALL = 16 * 1024
_RECHECK_SECONDS = 2.0


class Withdrawn(Exception):
    """What is being fetched may not be fetched any more."""


class TooShort(Exception):
    """The file ended before its end: something else wrote to it."""


@dataclass(slots=True)
class Part:
    """Bytes of an open file, up to `end`; `piece.position` is where it is now."""

    descriptor: int
    end: int
    piece: Piece
    station: str


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends one part over one connection. The response's head is written already, and nothing else."""

    connection: Connection
    pace: Pace
    still_allowed: Callable[[], Awaitable[bool]]

    async def send(self, request: web.BaseRequest, response: web.StreamResponse, part: Part) -> None:
        """Send all of it. Raises Withdrawn, TooShort, or OSError when the client is gone."""
        if self.connection.encrypted or part.end - part.piece.position <= _SMALL:
            move = self._copying(request, response, part)
        else:
            move = self._by_the_kernel(request, part)
        loop = asyncio.get_running_loop()
        recheck_at = loop.time() + _RECHECK_SECONDS
        async with move as one_step:
            while part.piece.position < part.end:
                count = await one_step()
                part.piece.position += count
                await self.pace.moved(part.station, count)
                if loop.time() > recheck_at:
                    if not await self.still_allowed():
                        raise Withdrawn
                    recheck_at = loop.time() + _RECHECK_SECONDS

    @asynccontextmanager
    async def _copying(
        self, request: web.BaseRequest, response: web.StreamResponse, part: Part
    ) -> AsyncIterator[Callable[[], Awaitable[int]]]:
        transport = self.connection.transport
        transport.set_write_buffer_limits(high=1)  # so that draining waits until the kernel has everything

        async def step() -> int:
            most = min(self.pace.piece, _COPIED_PIECE, part.end - part.piece.position)
            data = os.pread(part.descriptor, most, part.piece.position)
            if not data:
                raise TooShort
            await response.write(data)
            await request.writer.drain()
            return len(data)

        try:
            yield step
        finally:
            if not transport.is_closing():
                transport.set_write_buffer_limits()

    @asynccontextmanager
    async def _by_the_kernel(self, request: web.BaseRequest, part: Part) -> AsyncIterator[Callable[[], Awaitable[int]]]:
        transport = self.connection.transport
        opened: socket.socket = transport.get_extra_info("socket")
        transport.set_write_buffer_limits(high=1)
        await request.writer.drain()  # the head is with the kernel
        transport.set_write_buffer_limits()
        duplicate = os.dup(opened.fileno())  # the loop lets nobody else wait for a descriptor of its transports

        async def step() -> int:
            most = min(self.pace.piece, part.end - part.piece.position)
            while True:
                if transport.is_closing():
                    raise ConnectionResetError("the connection is closing")
                try:
                    count = os.sendfile(duplicate, part.descriptor, part.piece.position, most)
                except BlockingIOError:
                    if not await _is_writable(duplicate):
                        return 0  # somebody may have withdrawn it meanwhile
                    continue
                if not count:
                    raise TooShort
                if count == most:
                    await asyncio.sleep(0)  # others get their turn
                return count

        try:
            yield step
        finally:
            os.close(duplicate)


async def _is_writable(descriptor: int) -> bool:
    """Wait until the client has read something; False: it has not for a while."""
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()

    def wake() -> None:
        if not ready.done():
            ready.set_result(None)

    loop.add_writer(descriptor, wake)
    try:
        async with asyncio.timeout(_RECHECK_SECONDS):
            await ready
        return True
    except TimeoutError:
        return False
    finally:
        loop.remove_writer(descriptor)
