"""Meters read for real while a test looks: the loops of the door on sockets and pseudo terminals."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from gateway.journal_signal import JournalSignal
from gateway.meters.catalog import MODELS
from gateway.meters.latest import Latest
from gateway.meters.loops import loops_for
from gateway.meters.plans import MeterPlan, Place
from gateway.model.instants import Instant
from gateway.model.meters import Heard

PATIENCE_SECONDS = 20.0


def plan(name: str, model: str, place: Place, *, unit: int = 1, interval: float = 1.0) -> MeterPlan:
    """A meter to read."""
    return MeterPlan(name, MODELS[model], place, unit=unit, interval_seconds=interval)


class Watched(Latest):
    """The newest readings, with a signal that tests wait for."""

    def __init__(self) -> None:
        self.signal = JournalSignal()
        super().__init__(self.signal.announce)


@asynccontextmanager
async def reading(*plans: MeterPlan) -> AsyncIterator[Watched]:
    """Read these meters for the length of the block."""
    latest = Watched()
    loops = loops_for(plans, latest, lambda: Instant(time.time_ns() // 1000))
    tasks = [asyncio.ensure_future(loop()) for loop in loops.values()]
    try:
        yield latest
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(one, asyncio.CancelledError) for one in ended), ended


async def until(latest: Watched, name: str, holds: Callable[[Heard], bool]) -> Heard:
    """What is known of a meter as soon as it is so."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not holds(latest.of(name)):
                await latest.signal.newer_than(latest.signal.generation)
    except TimeoutError:
        raise AssertionError(f"{name}: {latest.of(name)}, errors {dict(latest.errors[name])}") from None
    return latest.of(name)


async def next_reading(latest: Watched, name: str) -> Heard:
    """A reading that was begun after now: one may be under way, so two more are awaited."""
    wanted = latest.reads[name] + 2
    return await until(latest, name, lambda _: latest.reads[name] >= wanted)
