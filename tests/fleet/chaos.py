"""Chaos: broker, gateway and consumer are killed with -9 and frozen by a plan, while stations charge cars.

Afterwards everything is let run, and what tests/fleet/proof.py says must hold. A seed gives the same plan each time; at
which statement a process is hit, nobody can say, and that is the point. It is played by test_chaos.py and, for longer,
by `./dev bench chaos`. It does not know the gateway's code.
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.end_to_end.running_gateway import PROJECT, RunningGateway
from tests.fakes.mosquitto import Mosquitto
from tests.fleet import proof
from tests.fleet.at_work import ROOT, caught_up, database_of, gateway_at_work, stations_port, until
from tests.fleet.processes import Child
from tests.fleet.stations import BusyStation

VICTIMS = ("broker", "gateway", "consumer")
STATIONS = 6
_PAUSE_SECONDS = (0.5, 4.0)
_KILLED_SECONDS = (0.0, 2.0)
_FROZEN_SECONDS = (0.2, 4.0)
_LONGEST_PAUSE_OF_A_STATION = 0.15

Deed = Literal["kill", "freeze"]


@dataclass(frozen=True, slots=True)
class Blow:
    """One blow to one victim: `after` seconds of life it is killed or frozen, for so many `seconds`."""

    victim: str
    after: float
    deed: Deed
    seconds: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it: how the victims were hit, what was told, and what that took."""

    blows: Counter[str]
    sessions: int
    events: int
    duplicates: int
    thrown_away: int
    catch_up_seconds: float


def plan(seed: int, seconds: float) -> dict[str, list[Blow]]:
    """For each victim the blows that fit into the time. Victims are hit independently, so also two at once."""
    blows: dict[str, list[Blow]] = {}
    for victim in VICTIMS:
        rolled = random.Random(f"{seed} {victim}")
        mine: list[Blow] = []
        spent = 0.0
        while spent < seconds:
            deed: Deed = rolled.choice(("kill", "freeze"))
            down = rolled.uniform(*(_KILLED_SECONDS if deed == "kill" else _FROZEN_SECONDS))
            blow = Blow(victim, rolled.uniform(*_PAUSE_SECONDS), deed, down)
            mine.append(blow)
            spent += blow.after + blow.seconds
        blows[victim] = mine[:-1]
    return blows


async def play(directory: Path, *, seed: int, seconds: float) -> Outcome:
    """Play a plan with real processes in that directory, which exists; AssertionError when something went wrong."""
    broker = Mosquitto(directory / "broker", extra="max_inflight_messages 20")
    ledger = directory / "ledger.db"
    consumer = Child(_consumer(broker.port, ledger), log=directory / "consumer.log", cwd=PROJECT)
    await broker.start()
    consumer.start()
    try:
        await until(lambda: consumer.lives() and ledger.exists(), "the consumer's first breath")
        async with gateway_at_work(directory / "gateway", broker.port) as gateway:
            return await _play(gateway, broker, consumer, ledger, plan(seed, seconds))
    finally:
        consumer.kill()
        await broker.stop()


async def _play(
    gateway: RunningGateway, broker: Mosquitto, consumer: Child, ledger: Path, blows: dict[str, list[Blow]]
) -> Outcome:
    enough = asyncio.Event()
    stations = [
        BusyStation(
            f"CP{number}",
            stations_port(gateway),
            random.Random(number),
            pause_seconds=_LONGEST_PAUSE_OF_A_STATION,
        )
        for number in range(STATIONS)
    ]
    async with asyncio.TaskGroup() as group:
        for station in stations:
            group.create_task(station.charge(enough=enough))
        await _strike(gateway, broker, consumer, blows)
        quiet_since = asyncio.get_running_loop().time()
        enough.set()
    database = database_of(gateway)
    await caught_up(database, ledger)
    took = asyncio.get_running_loop().time() - quiet_since
    proof.assert_told_exactly_once(database, ledger)
    proof.assert_sessions(ledger, stations)
    counted = proof.tallies(ledger)
    return Outcome(
        blows=Counter(f"{blow.victim} {blow.deed}" for mine in blows.values() for blow in mine),
        sessions=sum(len(station.sessions) for station in stations),
        events=sum(proof.newest(database).values()),
        duplicates=counted["duplicates"],
        thrown_away=counted["thrown_away"],
        catch_up_seconds=took,
    )


async def _strike(gateway: RunningGateway, broker: Mosquitto, consumer: Child, blows: dict[str, list[Blow]]) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(_hit(broker, blows["broker"], broker.start))
        group.create_task(_hit(consumer, blows["consumer"], lambda: asyncio.to_thread(consumer.start)))
        group.create_task(_hit(gateway, blows["gateway"], lambda: asyncio.to_thread(gateway.start)))


async def _hit(
    victim: Mosquitto | Child | RunningGateway, blows: Sequence[Blow], again: Callable[[], Awaitable[None]]
) -> None:
    for blow in blows:
        await asyncio.sleep(blow.after)
        if blow.deed == "kill":
            victim.kill()
            await asyncio.sleep(blow.seconds)
            await again()
        else:
            victim.freeze()
            await asyncio.sleep(blow.seconds)
            victim.thaw()


def _consumer(port: int, ledger: Path) -> list[str]:
    words = ["-m", "tests.fleet.consumer", "--port", str(port), "--database", str(ledger), "--root", ROOT]
    return [sys.executable, *words]
