"""A line on which somebody should talk, in virtual time: silence, noise, and a device that comes and goes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from gateway.meters.bus import LineDown
from gateway.meters.catalog import MODELS
from gateway.meters.latest import Latest
from gateway.meters.listener import SILENCE_SECONDS, listen
from gateway.meters.plans import MeterPlan, SerialLine
from gateway.model.instants import Instant
from tests.fakes.virtual_time import World, run_virtual
from tests.unit.meters import telegrams

NOW = datetime(2027, 1, 15, 8, 0, tzinfo=UTC)
PLAN = MeterPlan("grid", MODELS["dsmr_p1"], SerialLine("/dev/fake", 115_200))
GOOD = telegrams.p1(*telegrams.DSMR5)


@dataclass
class FakeStream:
    """What the line brings: put bytes into `coming`; `missing`: it cannot be opened."""

    coming: asyncio.Queue[bytes] = field(default_factory=asyncio.Queue)
    missing: bool = False
    openings: list[float] = field(default_factory=list)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[FakeStream]:
        """As `listener.open_stream`."""
        self.openings.append(asyncio.get_running_loop().time())
        if self.missing:
            raise LineDown("/dev/fake is not there")
        yield self

    async def read(self) -> bytes:
        """The next bytes."""
        return await self.coming.get()


def play(act: Callable[[FakeStream, Latest], Awaitable[None]]) -> None:
    """Listen while `act` runs."""

    async def main(world: World) -> None:
        stream, latest = FakeStream(), Latest()
        listening = asyncio.create_task(
            listen(PLAN, latest, open_stream=stream.open, wall_clock=lambda: Instant(world.clock.micros()))
        )
        await act(stream, latest)
        assert not listening.done()
        listening.cancel()

    run_virtual(main, start=NOW)


def test_silence_is_told_and_the_line_opened_again() -> None:
    async def act(stream: FakeStream, latest: Latest) -> None:
        stream.coming.put_nowait(GOOD)
        await asyncio.sleep(SILENCE_SECONDS + 2)
        assert latest.of("grid").failure == "nothing comes on /dev/fake"
        assert len(stream.openings) == 2 and latest.errors["grid"] == {"silent": 1}
        stream.coming.put_nowait(GOOD)
        await asyncio.sleep(0.1)
        assert latest.of("grid").failure is None and latest.reads["grid"] == 2

    play(act)


def test_noise_without_a_telegram_is_told() -> None:
    async def act(stream: FakeStream, latest: Latest) -> None:
        for _ in range(45):
            stream.coming.put_nowait(b"\xfe\x80\x00")
            await asyncio.sleep(1)
        assert (latest.of("grid").failure or "").startswith("something comes, but no telegram")
        assert latest.errors["grid"] == {"garbled": 2} and len(stream.openings) == 1

    play(act)


def test_a_device_that_is_not_there_is_looked_for_ever_more_rarely() -> None:
    async def act(stream: FakeStream, latest: Latest) -> None:
        stream.missing = True
        await asyncio.sleep(130)
        assert stream.openings == [0, 1, 3, 7, 15, 31, 61, 91, 121]
        assert latest.of("grid").failure == "/dev/fake is not there"
        stream.missing = False
        stream.coming.put_nowait(GOOD)
        await asyncio.sleep(30)
        assert latest.reads["grid"] == 1

    play(act)


def test_of_several_telegrams_at_once_the_newest_counts() -> None:
    async def act(stream: FakeStream, latest: Latest) -> None:
        newer = telegrams.p1("1-0:1.7.0(09.000*kW)")
        stream.coming.put_nowait(GOOD + telegrams.p1(wrong=True) + newer + GOOD[:40])
        await asyncio.sleep(0.1)
        reading = latest.of("grid").reading
        assert reading is not None and reading.measured.total_watts == 9000
        assert latest.reads["grid"] == 1 and latest.errors["grid"] == {"garbled": 1}
        stream.coming.put_nowait(GOOD[40:])
        await asyncio.sleep(0.1)
        assert latest.reads["grid"] == 2

    play(act)
