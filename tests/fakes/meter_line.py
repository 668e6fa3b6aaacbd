"""A Modbus line in memory: meters answer from register dumps, in virtual time, with the faults that one wishes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from gateway.meters.bus import AnswerTooShort, LineDown, MeterRefused, MeterSilent


@dataclass
class FakeMeter:
    """One unit. `most`: more registers at once are refused with `refusal` (None: answered short)."""

    registers: Mapping[int, int]
    function: int = 4
    silent: bool = False
    busy: bool = False
    most: int = 125
    refusal: int | None = 2
    answer_seconds: float = 0.06


@dataclass
class FakeLine:
    """The line; `asked` has (time, unit, address, count) of every question."""

    meters: dict[int, FakeMeter]
    patience_seconds: float = 0.5
    missing: bool = False  # the device is not there
    is_open: bool = False
    openings: int = 0
    asked: list[tuple[float, int, int, int]] = field(default_factory=list)
    _busy: bool = False

    @asynccontextmanager
    async def open(self) -> AsyncIterator[FakeLine]:
        """As `bus.open_line`."""
        if self.missing:
            raise LineDown("/dev/fake is not there")
        self.is_open, self.openings = True, self.openings + 1
        try:
            yield self
        finally:
            self.is_open = False

    async def read(self, unit: int, function: int, address: int, count: int, *, gap_seconds: float = 0.0) -> list[int]:
        """As `bus.Line.read`."""
        assert not self._busy, "two questions at a time"
        if not self.is_open:
            raise LineDown("/dev/fake was closed by the other side")
        self.asked.append((asyncio.get_running_loop().time(), unit, address, count))
        self._busy = True
        try:
            return await self._answer(unit, function, address, count)
        finally:
            self._busy = False

    async def _answer(self, unit: int, function: int, address: int, count: int) -> list[int]:
        meter = self.meters.get(unit)
        if meter is None or meter.silent:
            await asyncio.sleep(self.patience_seconds)
            raise MeterSilent(f"unit {unit} does not answer")
        await asyncio.sleep(meter.answer_seconds)
        if meter.busy:
            raise MeterRefused(6)
        if function != meter.function:
            raise MeterRefused(1)
        if count > meter.most:
            if meter.refusal is None:
                raise AnswerTooShort(f"unit {unit} answered {meter.most} registers instead of {count}")
            raise MeterRefused(meter.refusal)
        words = [meter.registers.get(address + offset) for offset in range(count)]
        if all(word is None for word in words):
            raise MeterRefused(2)
        return [word or 0 for word in words]

    def times_of(self, unit: int, address: int | None = None) -> list[float]:
        """When this unit was asked (for this address)."""
        return [time for time, asked, at, _ in self.asked if asked == unit and address in (None, at)]
