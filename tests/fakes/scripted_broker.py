"""A broker that does exactly what a test writes down: bytes in, bytes out, no MQTT library.

It decides nothing. For what real brokers do only in odd hours: to refuse, to fall silent, to send rubbish.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK, PINGREQ, DISCONNECT = 1, 2, 3, 4, 8, 9, 12, 14


@dataclass(frozen=True, slots=True)
class Packet:
    """What a client sent: the kind, the four flag bits, and all behind the length."""

    kind: int
    flags: int
    body: bytes


class Line:
    """One connection to the scripted broker."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def packet(self) -> Packet:
        """The next packet; kind 0 when the client has hung up."""
        try:
            (first,) = await self._reader.readexactly(1)
            length = shift = 0
            while True:
                (byte,) = await self._reader.readexactly(1)
                length |= (byte & 0x7F) << shift
                shift += 7
                if not byte & 0x80:
                    break
            return Packet(first >> 4, first & 0x0F, await self._reader.readexactly(length))
        except (asyncio.IncompleteReadError, ConnectionError):
            return Packet(0, 0, b"")

    async def say(self, kind: int, body: bytes, flags: int = 0) -> None:
        """A packet with less than 128 bytes behind the length."""
        self._writer.write(bytes([kind << 4 | flags, len(body)]) + body)
        await self._writer.drain()

    async def say_at_once(self, *bodies: bytes) -> None:
        """Several PUBLISH packets at QoS 0 in one piece (in TLS: one record)."""
        self._writer.write(b"".join(bytes([PUBLISH << 4, len(body)]) + body for body in bodies))
        await self._writer.drain()

    async def greet(self, code: int = 0, properties: bytes = b"") -> Packet:
        """Answer the CONNECT, as MQTT 5 does; the CONNECT."""
        packet = await self.packet()
        assert packet.kind == CONNECT
        await self.say(CONNACK, bytes([0, code, len(properties)]) + properties)
        return packet

    async def until_hung_up(self) -> None:
        """Read on and say nothing."""
        while (await self.packet()).kind:
            pass


Script = Callable[[Line], Awaitable[None]]


@asynccontextmanager
async def scripted_broker(script: Script, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """The port of a broker that plays `script` on each connection and then hangs up. A script that fails is told."""
    failures: list[BaseException] = []
    played: set[asyncio.Task[None]] = set()

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        played.add(task)
        try:
            await script(Line(reader, writer))
        except asyncio.CancelledError:
            pass
        except Exception as error:
            failures.append(error)
        finally:
            writer.close()
            played.discard(task)

    server = await asyncio.start_server(play, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in list(played):
            task.cancel()
        await asyncio.gather(*played, return_exceptions=True)
        await server.wait_closed()
    if failures:
        raise failures[0]
