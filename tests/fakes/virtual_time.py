"""An event loop whose clock jumps: when nothing is ready it is at once as late as the next timer.

A day of charging passes in seconds, and the same seed gives the same day, for nothing is left to chance: the network
is in memory (`virtual_network`), and what is meant for a thread (the store's writer) is done at once, in this one, and
told `work_seconds` of virtual time later; what arrives meanwhile forms the next batch, as on a real disk. Threads of
others (the readers' aiosqlite) are not seen: look into the database with sqlite3 after the gateway has stopped.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from gateway.model.clocks import RawClock
from tests.fakes.virtual_network import CALM, Network, Weather

T = TypeVar("T")

MICROSECOND = timedelta(microseconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class NothingCanHappen(Exception):
    """Every task waits and no timer runs: in real time this would hang for ever."""


@dataclass(slots=True)
class VirtualClock:
    """`seconds` since the start are moved by the loop alone; `stepped_seconds` is how far off somebody set it."""

    start_micros: int
    seconds: float = 0.0
    stepped_seconds: float = 0.0
    synchronised: bool = True
    max_error_us: int = 5000
    boot_id: str = "0123abcd"

    def micros(self) -> int:
        """The wall clock in microseconds since 1970: the gateway's own, with its steps."""
        return self.start_micros + round((self.seconds + self.stepped_seconds) * 1e6)

    def time(self) -> datetime:
        """The same as an aware datetime: what stations say that were told the time by the gateway."""
        return EPOCH + self.micros() * MICROSECOND

    def true_time(self) -> datetime:
        """What a wall clock without steps says, as an aware datetime."""
        return EPOCH + (self.start_micros + round(self.seconds * 1e6)) * MICROSECOND

    def step(self, seconds: float) -> None:
        """Somebody sets the gateway's wall clock."""
        self.stepped_seconds += seconds

    def machine(self) -> RawClock:
        """What the gateway's machine says of its clock."""
        offset_us = self.start_micros + round(self.stepped_seconds * 1e6)
        return RawClock(self.synchronised, self.max_error_us, self.boot_id, round(self.seconds * 1e6), offset_us)


@dataclass(slots=True)
class World:
    """What a simulation plays with."""

    clock: VirtualClock
    network: Network


def run_virtual(
    main: Callable[[World], Coroutine[Any, Any, T]],
    *,
    start: datetime,
    weather: Weather = CALM,
    seed: int = 0,
    work_seconds: float = 0.004,
) -> T:
    """Run `main(world)` on a loop of its own with virtual time from `start` on; `seed` is the weather's."""
    clock = VirtualClock((start - EPOCH) // MICROSECOND)
    loop = _virtual_loop(clock, work_seconds)
    world = World(clock, Network(loop, weather=weather, seed=seed))
    loop.create_connection = world.network.create_connection  # type: ignore[method-assign]
    loop.create_server = world.network.create_server  # type: ignore[assignment, method-assign]
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(main(world))


def _virtual_loop(clock: VirtualClock, work_seconds: float) -> asyncio.SelectorEventLoop:
    selector = _JumpingSelector(clock)
    loop = selector.loop = asyncio.SelectorEventLoop(selector)  # type: ignore[arg-type]

    def run_in_executor(executor: Executor | None, work: Callable[..., T], *arguments: object) -> asyncio.Future[T]:
        future: asyncio.Future[T] = loop.create_future()
        asyncio._set_running_loop(None)  # a thread has none: what asks for it would fail in the daemon alone
        try:
            result = work(*arguments)
        except Exception as error:
            loop.call_later(work_seconds, _settle, future.set_exception, future, error)
        else:
            loop.call_later(work_seconds, _settle, future.set_result, future, result)
        finally:
            asyncio._set_running_loop(loop)
        return future

    loop.time = lambda: clock.seconds  # type: ignore[method-assign]
    # timers this close go off together; with a nanosecond a float of many days could not be later than itself
    loop._clock_resolution = 1e-6
    loop.run_in_executor = run_in_executor  # type: ignore[assignment, method-assign]
    return loop


def _settle(settle: Callable[[Any], None], future: asyncio.Future[Any], value: object) -> None:
    if not future.done():
        settle(value)


class _JumpingSelector:
    """A selector that never waits: it moves the clock by what it was asked to wait."""

    def __init__(self, clock: VirtualClock) -> None:
        self._real = selectors.DefaultSelector()  # for the loop's own wake-up pipe
        self._clock = clock
        self.loop: asyncio.AbstractEventLoop | None = None  # whose tasks are named when nothing can happen

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = self._real.select(0)
        if not ready:
            if timeout is None:
                raise NothingCanHappen("\n".join(map(str, asyncio.all_tasks(self.loop))))
            self._clock.seconds += max(0.0, timeout)
        return ready

    def register(self, file: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.register(file, events, data)

    def unregister(self, file: Any) -> selectors.SelectorKey:
        return self._real.unregister(file)

    def modify(self, file: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.modify(file, events, data)

    def get_key(self, file: Any) -> selectors.SelectorKey:
        return self._real.get_key(file)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._real.get_map()

    def close(self) -> None:
        self._real.close()
