"""The stage itself: time that jumps, work that takes virtual time, lines that deliver in order or die."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest

from tests.fakes.virtual_network import End, Weather
from tests.fakes.virtual_time import NothingCanHappen, World, run_virtual

START = datetime(2026, 12, 31, 23, 0, tzinfo=UTC)


def test_a_year_passes_at_once() -> None:
    async def main(world: World) -> datetime:
        await asyncio.sleep(365 * 86400)
        return world.clock.true_time()

    began = time.monotonic()
    assert run_virtual(main, start=START) == START + timedelta(days=365)
    assert time.monotonic() - began < 5


def test_timers_go_off_in_order_and_time_does_not_pass_while_something_is_ready() -> None:
    async def main(world: World) -> list[tuple[str, float]]:
        loop, heard = asyncio.get_running_loop(), []
        for name, seconds in (("third", 3.0), ("first", 1.0), ("second", 1.5)):
            loop.call_later(seconds, lambda name=name: heard.append((name, loop.time())))
        for _ in range(1000):
            await asyncio.sleep(0)
        assert loop.time() == 0
        await asyncio.sleep(5)
        return heard

    assert run_virtual(main, start=START) == [("first", 1.0), ("second", 1.5), ("third", 3.0)]


def test_work_in_a_thread_takes_virtual_time_and_may_fail() -> None:
    async def main(world: World) -> float:
        loop = asyncio.get_running_loop()
        assert await loop.run_in_executor(None, lambda: 7) == 7
        with pytest.raises(ZeroDivisionError):
            await loop.run_in_executor(None, lambda: 1 / 0)
        return loop.time()

    assert run_virtual(main, start=START, work_seconds=0.25) == 0.5


def test_work_in_a_thread_has_no_loop() -> None:
    async def main(world: World) -> bool:
        loop = asyncio.get_running_loop()
        with pytest.raises(RuntimeError, match="no running event loop"):
            await loop.run_in_executor(None, asyncio.get_running_loop)
        return asyncio.get_running_loop() is loop

    assert run_virtual(main, start=START)


def test_a_step_of_the_clock_moves_the_wall_clock_only() -> None:
    async def main(world: World) -> None:
        world.clock.step(-7200)
        assert world.clock.time() == START - timedelta(hours=2)
        assert world.clock.true_time() == START
        await asyncio.sleep(60)
        assert world.clock.time() == START - timedelta(hours=1, minutes=59)

    run_virtual(main, start=START)


def test_waiting_for_what_cannot_come_is_an_error() -> None:
    async def main(world: World) -> None:
        await asyncio.Event().wait()

    with pytest.raises(NothingCanHappen, match="main"):
        run_virtual(main, start=START)


class Echo(asyncio.Protocol):
    """Says everything back."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, End)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)


class Heard(asyncio.Protocol):
    """Puts what it hears into a queue, and at last why the line ended."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[bytes | Exception | None] = asyncio.Queue()

    def data_received(self, data: bytes) -> None:
        self.queue.put_nowait(data)

    def connection_lost(self, error: Exception | None) -> None:
        self.queue.put_nowait(error)


async def _hear_echoes(count: int) -> tuple[list[int], type | None]:
    """Say 0, 1, 2 ... to a server that echoes; what came back, and how the line ended."""
    loop, heard = asyncio.get_running_loop(), Heard()
    server = await loop.create_server(Echo, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    transport, _ = await loop.create_connection(lambda: heard, "127.0.0.1", port)
    echoes: list[int] = []
    for number in range(count):
        transport.write(b"%d" % number)
        said = await heard.queue.get()
        if not isinstance(said, bytes):
            return echoes, type(said)
        echoes.append(int(said))
    transport.close()
    server.close()
    assert await heard.queue.get() is None
    return echoes, None


def test_a_calm_line_delivers_everything_in_order() -> None:
    assert run_virtual(lambda world: _hear_echoes(500), start=START) == (list(range(500)), None)


@pytest.mark.parametrize("weather", [Weather(loses_request=0.05), Weather(loses_answer=0.05)])
def test_in_bad_weather_a_line_dies_and_its_ends_notice(weather: Weather) -> None:
    first = run_virtual(lambda world: _hear_echoes(500), start=START, weather=weather, seed=3)
    again = run_virtual(lambda world: _hear_echoes(500), start=START, weather=weather, seed=3)
    other = run_virtual(lambda world: _hear_echoes(500), start=START, weather=weather, seed=4)
    assert first[1] is ConnectionResetError
    assert first == again != other
    assert first[0] == list(range(len(first[0])))


def test_nobody_listening_refuses() -> None:
    async def main(world: World) -> None:
        with pytest.raises(ConnectionRefusedError):
            await asyncio.get_running_loop().create_connection(asyncio.Protocol, "127.0.0.1", 1)

    run_virtual(main, start=START)
