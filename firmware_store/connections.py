"""One connection of a station, between the loop's transport and the library that speaks HTTP.

It adds what the library leaves open: a client that has said all it will say (half closed) still gets its answer, one
that moves next to nothing for a minute is cut off (`Connections.watch`), and the kernel holds little for a slow reader.
"""

from __future__ import annotations

import asyncio
import fcntl
import socket
import struct
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Protocol

from aiohttp import StreamReader
from aiohttp.web_protocol import RequestHandler

from firmware_store.progress_notes import Piece

_LOOK_EVERY_SECONDS = 1.0
_SOON_SECONDS = 0.3
# What the kernel may hold unsent: more would be memory for slow readers, and hide how far they are.
_MOST_UNSENT = 256 * 1024


class Moving(Protocol):
    """A transfer under way: how many bytes have moved so far, None while the gateway itself makes the client wait."""

    def __call__(self) -> int | None:
        """Asked every second."""


@dataclass(slots=True)
class _Watched:
    moved: Moving
    since: float
    moved_then: int | None = None


class Connection:
    """The asyncio protocol of one connection."""

    def __init__(
        self,
        speaker: RequestHandler,
        *,
        address: str,
        encrypted: bool,
        made: Callable[[Connection], None],
        lost: Callable[[Connection], None],
    ) -> None:
        self.speaker = speaker
        self.address = address
        self.encrypted = encrypted
        self.transport: asyncio.Transport
        self.said_all = False  # the client will send nothing more
        self.body: StreamReader | None = None  # of the upload that is being received
        self.fetched: Piece | None = None  # what was fetched last
        self._unanswered = False
        self._answering = False
        self._made = made
        self._lost = lost

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.Transport) -> None:
        """The connection is ready to be read."""
        self.transport = transport
        with suppress(OSError):  # it is gone already
            transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _MOST_UNSENT)
        self._made(self)
        self.speaker.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Bytes from the client."""
        self._unanswered = True
        self.speaker.data_received(data)

    def eof_received(self) -> bool:
        """The client sends nothing more. True: it may still be answered."""
        self.said_all = True
        self.speaker.eof_received()
        cut_off = self.body is not None and not self.body.is_eof()
        if not self._unanswered or cut_off or self.encrypted:
            return False
        asyncio.get_running_loop().call_later(_SOON_SECONDS, self._close_unless_answering)
        return True

    def connection_lost(self, error: Exception | None) -> None:
        """The connection is no more."""
        self._lost(self)
        self.speaker.connection_lost(error)

    def pause_writing(self) -> None:
        """The kernel takes no more now."""
        self.speaker.pause_writing()

    def resume_writing(self) -> None:
        """The kernel takes more again."""
        self.speaker.resume_writing()

    def answering(self) -> None:
        """A request has come whole, up to its body."""
        self._answering = True

    def answered(self) -> None:
        """It has its answer."""
        self._answering = self._unanswered = False
        if self.said_all:
            self.speaker.close()

    def _close_unless_answering(self) -> None:
        if not self._answering and not self.transport.is_closing():
            self.transport.close()  # half a request, and the other half will never come

    def unread_by_client(self) -> int:
        """Bytes in the kernel that the client has not acknowledged."""
        number = self.transport.get_extra_info("socket").fileno()
        if number < 0:
            return 0
        (count,) = struct.unpack("i", fcntl.ioctl(number, termios.TIOCOUTQ, bytes(4)))
        return int(count)


@dataclass(slots=True)
class Connections:
    """All connections of one loop, and those of them that are watched because they transfer something."""

    floor_bytes: int
    floor_seconds: float
    of_transport: dict[asyncio.Transport, Connection] = field(default_factory=dict)
    _watched: dict[Connection, _Watched] = field(default_factory=dict)

    @contextmanager
    def watched(self, connection: Connection, moved: Moving) -> Iterator[None]:
        """Cut the connection off when too little moves."""
        self._watched[connection] = _Watched(moved, asyncio.get_running_loop().time())
        try:
            yield
        finally:
            self._watched.pop(connection, None)

    async def watch(self) -> None:
        """For ever: cut off the slowest."""
        while True:
            await asyncio.sleep(min(_LOOK_EVERY_SECONDS, self.floor_seconds / 4))
            now = asyncio.get_running_loop().time()
            for connection, watched in list(self._watched.items()):
                if self._is_too_slow(watched, now):
                    connection.transport.abort()

    def _is_too_slow(self, watched: _Watched, now: float) -> bool:
        moved = watched.moved()
        if moved is None or watched.moved_then is None:
            watched.since, watched.moved_then = now, moved
            return False
        if moved - watched.moved_then >= self.floor_bytes:
            watched.since, watched.moved_then = now, moved
            return False
        return now - watched.since >= self.floor_seconds

    def abort(self) -> None:
        """Hang up on everybody."""
        for transport in list(self.of_transport):
            transport.abort()
