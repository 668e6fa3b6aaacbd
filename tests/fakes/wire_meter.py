"""A site meter on Modbus TCP, byte by byte: an Eastron SDM630 as its manual says, for any event loop.

What it shows is asked for anew at each request, so a test changes the site, not the meter. It can be mute.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from dataclasses import dataclass, field

Amps = tuple[float, float, float]
VOLTS = 230.0


@dataclass
class WireMeter:
    """`shows` gives the current of each phase now; `mute`: it takes requests and says nothing; `frozen`: its registers
    stay as they are.
    """

    shows: Callable[[], Amps]
    mute: bool = False
    frozen: bool = False
    asked: int = 0
    _newest: dict[int, float] = field(default_factory=dict)

    async def listen(self, port: int = 0) -> asyncio.Server:
        """Serve on 127.0.0.1."""
        loop = asyncio.get_running_loop()
        return await loop.create_server(lambda: _Line(self), "127.0.0.1", port)

    def registers(self) -> dict[int, float]:
        """The floats at the wire addresses of the manual."""
        if self.frozen and self._newest:
            return self._newest
        amps = self.shows()
        watts = [VOLTS * one for one in amps]
        self._newest = {
            **{2 * phase: VOLTS + 0.1 * ((self.asked + phase) % 7) for phase in range(3)},  # never quite the same
            **{6 + 2 * phase: abs(amps[phase]) for phase in range(3)},
            **{12 + 2 * phase: watts[phase] for phase in range(3)},
            0x34: sum(watts),
        }
        return self._newest

    def answer(self, frame: bytes) -> bytes | None:
        """The answer to one request with its MBAP header."""
        self.asked += 1
        if self.mute:
            return None
        transaction, unit, function, start, count = struct.unpack(">H4xBBHH", frame[:12])
        if function != 4:
            return struct.pack(">HHHBBB", transaction, 0, 3, unit, function | 0x80, 1)
        floats = self.registers()
        words: dict[int, int] = {}
        for address, value in floats.items():
            high, low = struct.unpack(">HH", struct.pack(">f", value))
            words[address], words[address + 1] = high, low
        values = b"".join(struct.pack(">H", words.get(address, 0)) for address in range(start, start + count))
        return struct.pack(">HHHBBB", transaction, 0, 3 + len(values), unit, function, len(values)) + values


class _Line(asyncio.Protocol):
    def __init__(self, meter: WireMeter) -> None:
        self.meter, self.buffer = meter, b""
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while len(self.buffer) >= 6:
            length = 6 + int.from_bytes(self.buffer[4:6], "big")
            if len(self.buffer) < length:
                return
            frame, self.buffer = self.buffer[:length], self.buffer[length:]
            answer = self.meter.answer(frame)
            if answer is not None and self.transport is not None:
                self.transport.write(answer)
