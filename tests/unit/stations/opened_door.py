"""The stations' door by itself, on a free port, and a raw station that speaks HTTP and WebSocket byte by byte.

What the gateway would answer is a function of the test. Nothing here knows the store.
"""

from __future__ import annotations

import asyncio
import base64
import os
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from gateway.model.identities import StationId
from gateway.model.instants import Instant
from gateway.model.treatment import Treatment
from gateway.ocpp.frame import Call, write_result
from gateway.stations.bounds import Bounds
from gateway.stations.connected import Connected
from gateway.stations.connection import StationConnection
from gateway.stations.server import Door, Knock, Refusal, Welcome, serve_stations

PATIENCE_SECONDS = 10.0


def echo(connection: StationConnection, call: Call) -> None:
    """Answer every request with its own action."""
    connection.reply(call, write_result(call.message_id, {"action": call.action}))


async def admit_all(knock: Knock) -> Welcome | Refusal:
    """Let everybody in under the name that was given."""
    return Welcome(StationId(knock.identity), Treatment())


@dataclass(slots=True)
class OpenedDoor:
    """A door that is open; what happened at it."""

    port: int = 0
    connected: Connected = field(default_factory=Connected)
    knocks: list[Knock] = field(default_factory=list)
    arrived: list[StationConnection] = field(default_factory=list)
    left: list[StationConnection] = field(default_factory=list)

    async def station(self, identity: str = "CP1", **options: object) -> ClientConnection:
        """A connected station with an independent WebSocket implementation of the same standard."""
        station = await connect(
            f"ws://127.0.0.1:{self.port}/ocpp/{identity}",
            subprotocols=[Subprotocol("ocpp1.6")],
            ping_interval=None,
            compression=None,
            **options,  # type: ignore[arg-type]
        )
        await until(lambda: any(one.remote_address == station.local_address for one in self.arrived))
        return station

    def connection(self, identity: str = "CP1") -> StationConnection:
        """The gateway's side of a connected station."""
        found = self.connected.get(StationId(identity))
        assert found is not None
        return found


@asynccontextmanager
async def opened_door(
    *,
    answer: Callable[[StationConnection, Call], None] = echo,
    admit: Callable[[Knock], Awaitable[Welcome | Refusal]] = admit_all,
    max_frame_bytes: int = 8_000_000,
    answering_queue: int = 32,
    ping_interval_seconds: float = 0.0,
) -> AsyncIterator[OpenedDoor]:
    """Serve stations for the length of the block."""
    opened, numbers = OpenedDoor(), count(1)

    async def noted(knock: Knock) -> Welcome | Refusal:
        opened.knocks.append(knock)
        return await admit(knock)

    door = Door(
        admit=noted,
        answer=answer,
        arrived=opened.arrived.append,
        left=opened.left.append,
        new_id=lambda: f"our-{next(numbers)}",
        wall_clock=lambda: Instant(0),
    )
    async with serve_stations(
        host="127.0.0.1",
        port=0,
        door=door,
        connected=opened.connected,
        bounds=Bounds(
            max_frame_bytes=max_frame_bytes,
            answering_queue=answering_queue,
            ping_interval_seconds=ping_interval_seconds,
        ),
    ) as opened.port:
        yield opened


class RawStation:
    """A socket and nothing else: frames are written and read by hand, and the socket is not closed for courtesy."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def send(self, text: bytes, *, opcode: int = 1) -> None:
        """Write one masked frame."""
        self.writer.write(masked(text, opcode=opcode))

    async def frame(self) -> tuple[int, bytes]:
        """The next frame of the gateway: (opcode, payload)."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            head, length = await self.reader.readexactly(2)
            if length == 126:
                (length,) = struct.unpack("!H", await self.reader.readexactly(2))
            elif length == 127:
                (length,) = struct.unpack("!Q", await self.reader.readexactly(8))
            return head & 15, await self.reader.readexactly(length)

    async def rest(self) -> bytes:
        """Everything until the gateway hangs up."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self.reader.read()


@asynccontextmanager
async def raw_station(port: int, path: str = "/ocpp/CP1", *, small_buffers: bool = False) -> AsyncIterator[RawStation]:
    """A station behind a finished handshake."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024 if small_buffers else 2**16)
    try:
        writer.write(request(path, protocol="ocpp1.6"))
        async with asyncio.timeout(PATIENCE_SECONDS):
            answer = await reader.readuntil(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 101"), answer
        yield RawStation(reader, writer)
    finally:
        writer.transport.abort()


async def upgrade(port: int, path: str, *, protocol: str | None = "ocpp1.6", more: str = "") -> tuple[int, str]:
    """Ask for an upgrade as raw HTTP; (status, head of the answer)."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request(path, protocol=protocol, more=more))
        async with asyncio.timeout(PATIENCE_SECONDS):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
        return int(head.split()[1]), head
    finally:
        writer.transport.abort()


def request(path: str, *, protocol: str | None, more: str = "") -> bytes:
    """The bytes of an upgrade request; `more` are further header lines, each with its line end."""
    offered = f"Sec-WebSocket-Protocol: {protocol}\r\n" if protocol is not None else ""
    return (
        f"GET {path} HTTP/1.1\r\nHost: gateway\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n{offered}{more}\r\n"
    ).encode("latin-1")


def basic(user: bytes, password: bytes) -> str:
    """The header line of Basic credentials."""
    return f"Authorization: Basic {base64.b64encode(user + b':' + password).decode()}\r\n"


def masked(text: bytes, *, opcode: int = 1, fin: bool = True) -> bytes:
    """One frame as a station sends it."""
    key = os.urandom(4)
    length = len(text)
    head = bytes([fin << 7 | opcode])
    if length < 126:
        head += bytes([0x80 | length])
    elif length < 65536:
        head += b"\xfe" + struct.pack("!H", length)
    else:
        head += b"\xff" + struct.pack("!Q", length)
    mask = (key * (length // 4 + 1))[:length]
    return head + key + (int.from_bytes(text, "big") ^ int.from_bytes(mask, "big")).to_bytes(length, "big")


async def until(condition: Callable[[], object]) -> None:
    """Return as soon as the condition holds; TimeoutError when it never does."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():  # noqa: ASYNC110 (what we wait for is on the other side of a socket)
            await asyncio.sleep(0.002)
