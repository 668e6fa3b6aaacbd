"""One WebSocket as bytes: a client that cuts, fragments and joins its messages in every way that RFC 6455 allows."""

from __future__ import annotations

import asyncio
import base64
import random
from collections.abc import Callable

from websockets.speedups import apply_mask

TEXT, BINARY, CONTINUED, CLOSE, PING, PONG = 1, 2, 0, 8, 9, 10
_LAST = 0x80


class RawLine(asyncio.Protocol):
    """`heard` is told every text; `closed_with` is the code of the other side's Close frame, 0 when there was none."""

    def __init__(self, heard: Callable[[bytes], None], chance: random.Random) -> None:
        loop = asyncio.get_running_loop()
        self.heard = heard
        self.chance = chance
        self.upgraded: asyncio.Future[None] = loop.create_future()
        self.lost: asyncio.Future[None] = loop.create_future()
        self.closed_with = 0
        self._pings: dict[bytes, float] = {}  # not answered yet, since when
        self._bytes = bytearray()
        self._transport: asyncio.WriteTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set_result(None)

    def upgrade(self, identity: str) -> None:
        """Ask for the upgrade; `upgraded` is done when it is granted."""
        key = base64.b64encode(bytes(16)).decode()
        self._transport.write(
            f"GET /ocpp/{identity} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-"
            f"Version: 13\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Protocol: ocpp1.6\r\n\r\n".encode()
        )

    def say(self, texts: list[bytes]) -> None:
        """Send whole messages, mostly one piece of data each, sometimes cut anywhere or all in one."""
        frames = [self._frames_of(text) for text in texts]
        kind = self.chance.random()
        if kind < 0.8:
            for frame in frames:
                self._transport.write(frame)
            return
        stream = b"".join(frames)
        while stream:
            cut = len(stream) if kind < 0.85 else self.chance.randrange(1, 3000)
            self._transport.write(stream[:cut])
            stream = stream[cut:]

    def end(self) -> None:
        """Hang up."""
        self._transport.abort()

    def ping_overdue(self) -> bool:
        """True when a ping has no pong after a second."""
        now = asyncio.get_running_loop().time()
        return any(now - since > 1 for since in self._pings.values())

    def data_received(self, data: bytes) -> None:
        self._bytes += data
        if not self.upgraded.done():
            head, blank, rest = bytes(self._bytes).partition(b"\r\n\r\n")
            if not blank:
                return
            assert head.startswith(b"HTTP/1.1 101 "), head
            self._bytes[:] = rest
            self.upgraded.set_result(None)
        while self._take_frame():
            pass

    def _frames_of(self, text: bytes) -> bytes:
        chance = self.chance
        kind = chance.random()
        if kind < 0.85 or not text:
            return self._frame(_LAST | TEXT, text)
        if kind < 0.9:
            return self._frame(_LAST | BINARY, text)
        if kind < 0.93:
            return self._ping() + self._frame(_LAST | TEXT, text)
        cuts = sorted(chance.randrange(len(text) + 1) for _ in range(chance.randrange(1, 4)))
        parts = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
        frames = [self._frame(TEXT if index == 0 else CONTINUED, part) for index, part in enumerate(parts[:-1])]
        if chance.random() < 0.3:
            frames.append(self._ping())
        return b"".join(frames) + self._frame(_LAST | CONTINUED, parts[-1])

    def _ping(self) -> bytes:
        payload = self.chance.randbytes(5)
        self._pings[payload] = asyncio.get_running_loop().time()
        return self._frame(_LAST | PING, payload)

    def _frame(self, first: int, payload: bytes) -> bytes:
        length, mask = len(payload), self.chance.randbytes(4)
        if length < 126:
            header = bytes((first, 0x80 | length))
        elif length < 65536:
            header = bytes((first, 0x80 | 126)) + length.to_bytes(2, "big")
        else:
            header = bytes((first, 0x80 | 127)) + length.to_bytes(8, "big")
        return header + mask + bytes(apply_mask(payload, mask))

    def _take_frame(self) -> bool:
        data = self._bytes
        if len(data) < 2:
            return False
        length, start = data[1], 2
        if length >= 126:
            size = 2 if length == 126 else 8
            length, start = int.from_bytes(data[2 : 2 + size], "big"), 2 + size
        if len(data) < start + length:
            return False
        opcode, payload = data[0] & 0x0F, bytes(data[start : start + length])
        del data[: start + length]
        if opcode == CLOSE:
            self.closed_with = int.from_bytes(payload[:2], "big")
            self.end()
        elif opcode == PONG:
            del self._pings[payload]
        else:
            assert opcode == TEXT, opcode
            self.heard(payload)
        return True
