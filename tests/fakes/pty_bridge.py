"""A serial line without hardware: two pseudo terminals, and between them a wire with a speed and with faults.

The gateway opens `line`, the meter `meter_side`. What one writes the other reads after the time that it takes at
`baudrate`. `line` is a link that stays the same while the adapter is pulled out and plugged in again.
"""

from __future__ import annotations

import asyncio
import os
import tty
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

_BITS_PER_BYTE = 10


class PtyBridge:
    """Use as a context manager inside a running loop."""

    def __init__(self, directory: Path, *, baudrate: int = 9600) -> None:
        self.line = directory / "ttyUSB0"
        self.baudrate = baudrate
        self.muted = False  # nothing gets through
        self.deaf_units: set[int] = set()  # requests to these addresses are lost
        self.corrupt_answers = 0  # so many answers get a wrong bit
        self.cut_answers = 0  # so many answers lose their second half
        self.interruptions: list[bytes] = []  # the next is heard by the gateway when it has asked, before the answer
        self.carried: list[tuple[str, bytes]] = []  # ("ask" or "answer", bytes)
        self._gateway: tuple[int, int] | None = None
        self._meter: tuple[int, int] | None = None
        self._free_at = {"ask": 0.0, "answer": 0.0}

    def __enter__(self) -> PtyBridge:
        self._meter = _pair()
        self.meter_side = os.ttyname(self._meter[1])
        self.plug_in()
        self._listen(self._meter[0], lambda data: self._carry("answer", data))
        return self

    def __exit__(self, *_: object) -> None:
        self.pull_out()
        if self._meter is not None:
            _close(self._meter)
            self._meter = None

    def plug_in(self) -> None:
        """The adapter is there."""
        self._gateway = _pair()
        self.line.symlink_to(os.ttyname(self._gateway[1]))
        self._listen(self._gateway[0], lambda data: self._carry("ask", data))

    def pull_out(self) -> None:
        """The adapter is gone, whoever has it open."""
        if self._gateway is not None:
            _close(self._gateway)
            self._gateway = None
            self.line.unlink()

    def say(self, data: bytes) -> None:
        """The meter talks by itself."""
        self._carry("answer", data)

    def _listen(self, descriptor: int, carry: Callable[[bytes], None]) -> None:
        def ready() -> None:
            with suppress(OSError):
                carry(os.read(descriptor, 4096))

        asyncio.get_running_loop().add_reader(descriptor, ready)

    def _carry(self, kind: str, data: bytes) -> None:
        self.carried.append((kind, data))
        if self.muted or (kind == "ask" and data[0] in self.deaf_units):
            return
        if kind == "ask" and self.interruptions:
            self._carry("answer", self.interruptions.pop(0))
        if kind == "answer" and self.corrupt_answers:
            self.corrupt_answers -= 1
            data = data[:-3] + bytes([data[-3] ^ 0x10]) + data[-2:]
        if kind == "answer" and self.cut_answers:
            self.cut_answers -= 1
            data = data[: len(data) // 2]
        loop = asyncio.get_running_loop()
        begins = max(loop.time(), self._free_at[kind])
        self._free_at[kind] = begins + len(data) * _BITS_PER_BYTE / self.baudrate
        loop.call_at(self._free_at[kind], self._deliver, kind, data)

    def _deliver(self, kind: str, data: bytes) -> None:
        end = self._meter if kind == "ask" else self._gateway
        if end is not None:
            os.write(end[0], data)


def _pair() -> tuple[int, int]:
    """Both ends of a pseudo terminal; the second stays open, so that closing it elsewhere hangs nothing up."""
    primary, secondary = os.openpty()
    tty.setraw(secondary)
    return primary, secondary


def _close(pair: tuple[int, int]) -> None:
    asyncio.get_running_loop().remove_reader(pair[0])
    for descriptor in pair:
        os.close(descriptor)
