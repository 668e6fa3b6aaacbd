"""Plays a site for a while: the unchanged gateway, started anew as often as wished, and a number of busy chargers.

At the end the weather clears, mishaps cease, every second charger's drivers leave, and everything is waited for until
it is delivered; whoever still charges then goes on while the gateway stops. Only then is the ledger read.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from gateway.daemon import Surroundings
from gateway.model.instants import Instant
from gateway.operations.manage_tags import put_tag
from gateway.simulated_station import Habits
from tests.fakes.gateway_in_process import Running, running_gateway
from tests.fakes.virtual_network import CALM, FIRST_FREE_PORT, Weather
from tests.fakes.virtual_time import World, run_virtual
from tests.simulation.charger import DAY, HOUR, LONGEST_OFFLINE_SECONDS, MINUTE, Bad, Charger, make_charger
from tests.simulation.ledger import Ledger, billing_complaints, journal_complaints, read_ledger

MORNING = datetime(2026, 3, 28, 22, 0, tzinfo=UTC)  # the night in which Europe's clocks change
URL = f"ws://127.0.0.1:{FIRST_FREE_PORT}/ocpp"
STALE_SECONDS = 70 * MINUTE  # by then the gateway has found every session that a power cut ended
LAST_HOURS = LONGEST_OFFLINE_SECONDS + STALE_SECONDS
OCPP = 'unknown_stations = "accept"\nheartbeat_seconds = 1800'


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be played. `gateway_restarts` are spread over the time, each with the gateway away for a while."""

    chargers: int
    seed: int
    seconds: float = DAY
    gateway_restarts: int = 0
    gateway_away_seconds: float = 7 * MINUTE
    sample_seconds: int = 600
    bad: Bad = field(default_factory=Bad)
    weather: Weather = CALM
    habits: Habits = field(default_factory=lambda: Habits(mean_session_seconds=2 * HOUR, mean_pause_seconds=HOUR))


@dataclass(frozen=True, slots=True)
class Played:
    """What came of it."""

    chargers: list[Charger]
    ledger: Ledger
    world: World
    answered: Counter[str]  # requests by action, over all lives of the gateway

    def complaints(self) -> list[str]:
        """Everything that is not as it must be."""
        return journal_complaints(self.ledger) + billing_complaints(self.ledger, self.chargers)

    def sessions(self) -> int:
        """How many sessions the stations believe in."""
        return sum(len(charger.station.sessions) for charger in self.chargers)

    def running(self) -> int:
        """How many of them still charge."""
        return sum(
            session.stop_at is None and charger.cut_at_wh(session) is None
            for charger in self.chargers
            for session in charger.station.sessions
        )

    def retold(self, action: str, kind: str) -> int:
        """How often a request was processed, beyond once for each event of `kind`: the answer had been lost."""
        once = [event for event in self.ledger.of_kind(kind) if event["data"].get("source") != "reconstructed"]
        return self.answered[action] - len(once)

    def mishaps(self, kind: str) -> int:
        """How often it befell any charger."""
        return sum(charger.mishaps.get(kind, 0) for charger in self.chargers)


def play(plan: Plan, directory: Path) -> Played:
    """Play `plan` with the gateway's data in `directory`/data."""
    print(f"seed {plan.seed}")
    directory.mkdir(exist_ok=True)
    return run_virtual(lambda world: _play(world, plan, directory), start=MORNING, weather=plan.weather, seed=plan.seed)


def surroundings(world: World) -> Surroundings:
    """The gateway on the world's clock; ids that the same seed gives again."""
    numbers = itertools.count(1)
    clock = world.clock
    return Surroundings(
        wall_clock=lambda: Instant(clock.micros()),
        clock=clock.machine,
        new_id=lambda: f"{clock.micros()}-{next(numbers)}",
        web=False,
    )


def habits_of(plan: Plan, number: int) -> Habits:
    """Every third charger has two connectors, every second repeats under new message ids; each has cards of its own."""
    return replace(
        plan.habits,
        connectors=2 if number % 3 == 0 else 1,
        repeats_under_first_id=number % 2 == 0,
        id_tags=cards(number),
    )


def cards(number: int) -> tuple[str, ...]:
    """The cards that are shown at one charger."""
    return tuple(f"CARD-{number:03d}-{letter}" for letter in "ABCD")


async def hand_out_cards(running: Running, chargers: int) -> None:
    """Put the cards of so many chargers into the list."""
    for number in range(1, chargers + 1):
        for card in cards(number):
            await put_tag(running.site, card, {}, actor="test")


async def until_settled(chargers: list[Charger]) -> None:
    """Until every charger is connected and has delivered everything."""
    while not all(charger.settled() for charger in chargers):  # noqa: ASYNC110, virtual time costs nothing
        await asyncio.sleep(7)


async def _play(world: World, plan: Plan, directory: Path) -> Played:
    chargers = [
        make_charger(
            number,
            URL,
            world.clock.true_time,
            seed=plan.seed,
            habits=habits_of(plan, number),
            sample_seconds=plan.sample_seconds,
        )
        for number in range(1, plan.chargers + 1)
    ]
    loop, answered = asyncio.get_running_loop(), Counter[str]()
    calm_at = loop.time() + plan.seconds - LAST_HOURS
    async with asyncio.TaskGroup() as mishaps:
        async with _gateway(world, directory, answered) as running:
            await hand_out_cards(running, len(chargers))
        for number, charger in enumerate(chargers):
            charger.power_on()
            mishaps.create_task(charger.suffer(plan.bad, seed=f"{plan.seed}/{number}", until=calm_at))
        part_seconds = (plan.seconds - LAST_HOURS) / (plan.gateway_restarts + 1)
        for _ in range(plan.gateway_restarts):
            async with _gateway(world, directory, answered):
                await asyncio.sleep(part_seconds)
            await asyncio.sleep(plan.gateway_away_seconds)
        async with _gateway(world, directory, answered):
            await _come_to_an_end(world, chargers, calm_at)
    return Played(chargers, read_ledger(directory), world, answered)


@asynccontextmanager
async def _gateway(world: World, directory: Path, answered: Counter[str]) -> AsyncIterator[Running]:
    async with running_gateway(directory, ocpp=OCPP, surroundings=surroundings(world)) as running:
        yield running
        for (action, _, result), times in running.site.health.counters.messages.items():
            answered[action] += times if result == "answered" else 0


async def _come_to_an_end(world: World, chargers: list[Charger], calm_at: float) -> None:
    await asyncio.sleep(calm_at - asyncio.get_running_loop().time())
    world.network.weather = replace(world.network.weather, loses_request=0.0, loses_answer=0.0)
    await asyncio.sleep(LONGEST_OFFLINE_SECONDS)
    await until_settled(chargers)
    await asyncio.sleep(STALE_SECONDS)
    for charger in chargers[::2]:
        charger.station.habits = replace(charger.station.habits, busy=False)
        for outlet in charger.station.outlets:
            outlet.end("Local")
    await asyncio.sleep(10 * MINUTE)
    await until_settled(chargers)
    await asyncio.gather(*(charger.halt() for charger in chargers))
