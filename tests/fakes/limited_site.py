"""A site under load limits in virtual time: the unchanged gateway, honest simulated stations, a meter, and a judge.

Stations and cars are `gateway.simulated_station`, which shares nothing with the gateway; what they draw on each supply
phase, with the building, is what the meter shows (on Modbus TCP) and what the judge writes down every second. Stories
decide what befalls them. Currents are in A, times in s of the loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from gateway.model.load_decision import ConnectorDecision
from gateway.operations.manage_tags import put_tag
from gateway.simulated_station import Habits, SimulatedStation, utc_now
from tests.fakes.gateway_in_process import Running, running_gateway
from tests.fakes.virtual_network import FIRST_FREE_PORT
from tests.fakes.virtual_time import World, run_virtual
from tests.fakes.wire_meter import WireMeter
from tests.simulation.played_day import MORNING, surroundings

METER_PORT = 15_020
MINUTE, HOUR = 60.0, 3600.0
METER = (
    '[[meter]]\nname = "grid"\nmodel = "eastron_sdm630"\nmay_export = false\n'
    f'transport = {{ type = "tcp", host = "127.0.0.1", port = {METER_PORT} }}\n'
)


class Vehicle(SimulatedStation):
    """A station with one connector and a car that wants as much as it can get on its phases.

    `ignores`: it accepts limits and does not follow them. `forgets_at_reconnect`: its profiles go with the connection.
    """

    def __init__(
        self,
        identity: str,
        url: str,
        *,
        wants: tuple[float, float, float],
        wall_clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.card = f"CARD-{identity}"
        habits = Habits(busy=False, id_tags=(self.card,), most_amps=max(wants))
        super().__init__(identity, url, seed=7, habits=habits, wall_clock=wall_clock)
        self.wants = wants
        self.ignores = False
        self.forgets_at_reconnect = False
        self.task: asyncio.Task[None] | None = None

    def plug_in(self) -> None:
        """A driver comes, shows the card and charges until somebody ends it."""
        self.in_background(self._charging())

    async def _charging(self) -> None:
        await self.visit(1, self.card)

    def limit(self, outlet: object) -> None:
        """The car follows what its station allows now."""
        mine = self.outlets[0]
        if mine.session is not None:
            mine.wanted_amps = self.wants
        held = self.profiles.held
        if self.ignores:
            self.profiles.held = []
        super().limit(mine)
        self.profiles.held = held

    async def lose_network(self, seconds: float) -> None:
        """The connection is gone for a while."""
        if self.forgets_at_reconnect:
            self.profiles.held = []
        await super().lose_network(seconds)

    def power_on(self) -> None:
        """Boot."""
        self.task = asyncio.create_task(self.run())

    async def power_off(self) -> None:
        """At once, without a word to anybody."""
        assert self.task is not None
        self.task.cancel()
        await asyncio.wait([self.task])

    def amps(self) -> tuple[float, float, float]:
        """What flows now."""
        return self.outlets[0].meter.amps if self.outlets else (0.0, 0.0, 0.0)


@dataclass
class Judge:
    """Every second: is the sum of a phase above the limit? `longest` and `most` over all phases, from `begin` on."""

    limit: float
    over_seconds: float = 0.0
    longest: float = 0.0
    most_over: float = 0.0
    _now: float = 0.0

    def look(self, total: tuple[float, float, float]) -> None:
        """One second has passed."""
        above = max(total) - self.limit
        if above > 1e-6:
            self._now += 1
            self.over_seconds += 1
            self.longest, self.most_over = max(self.longest, self._now), max(self.most_over, above)
        else:
            self._now = 0.0


@dataclass
class LimitedSite:
    """What a story plays with."""

    world: World
    running: Running
    judge: Judge
    meter: WireMeter
    cars: list[Vehicle] = field(default_factory=list)
    building: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def total(self) -> tuple[float, float, float]:
        """What the main fuse carries now."""
        drawn = [car.amps() for car in self.cars]
        one, two, three = (self.building[phase] + sum(amps[phase] for amps in drawn) for phase in range(3))
        return one, two, three

    def car(self, number: int) -> Vehicle:
        """The car at CP-<number>."""
        return self.cars[number - 1]

    def decision(self, number: int = 1) -> ConnectorDecision:
        """What was decided last for CP-<number>."""
        tick = self.running.site.load.tick
        assert tick is not None
        return next(one for one in tick.decision.connectors if one.station == f"CP-{number}")

    async def until(self, holds: Callable[[], bool], within: float) -> float:
        """Let time pass until something is so; the seconds that took. Fails when it takes longer."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        while not holds():
            assert loop.time() - begun <= within, f"not within {within:g} s: {self.total()} of {self.judge.limit} A"
            await asyncio.sleep(1)
        return loop.time() - begun

    async def charging(self, at_least: float = 6.0, within: float = 180.0) -> None:
        """Until every car that is plugged in draws at least this on one phase."""
        await self.until(lambda: all(max(car.amps()) >= at_least for car in self.cars), within)


def story(directory: Path, scene: Callable[[LimitedSite], Awaitable[None]], **wishes: object) -> None:
    """Play `scene` on a site of its own; see `site` for what can be wished."""

    async def play(world: World) -> None:
        async with site(world, directory, **wishes) as found:  # type: ignore[arg-type]
            await scene(found)

    run_virtual(play, start=MORNING, seed=11)


@asynccontextmanager
async def site(
    world: World,
    directory: Path,
    *,
    cars: int = 2,
    fuse: float = 40.0,
    wants: tuple[float, float, float] = (32.0, 32.0, 32.0),
    metered: bool = False,
    mute: bool = False,
    more: str = "",
    station: str = "",
) -> AsyncIterator[LimitedSite]:
    """A main fuse, `cars` stations with a car each below it, all plugged in; `station`: TOML of each.

    `mute`: the meter has never said anything.
    """
    url = f"ws://127.0.0.1:{FIRST_FREE_PORT}/ocpp"
    made = [
        Vehicle(f"CP-{number}", url, wants=wants, wall_clock=world.clock.true_time) for number in range(1, cars + 1)
    ]
    meter = WireMeter(lambda: (0.0, 0.0, 0.0), mute=mute)
    tables = "".join(f'[[station]]\nid = "{car.identity}"\ncircuit = "main"\n{station}\n' for car in made)
    circuit = f'[[circuit]]\nname = "main"\nlimit_amps = {fuse}\n' + ('meter = "grid"\n' if metered else "")
    configuration = (METER if metered else "") + circuit + more + "\n" + tables
    listening = await meter.listen(METER_PORT)
    async with running_gateway(directory, more=configuration, surroundings=surroundings(world)) as running:
        for car in made:
            await put_tag(running.site, car.card, {}, actor="test")
        found = LimitedSite(world, running, Judge(fuse), meter, made)
        meter.shows = found.total
        judging = asyncio.create_task(_judge(found))
        for car in made:
            car.power_on()
        await found.until(lambda: all(car.connected for car in made), 30)
        for car in made:
            car.plug_in()
        try:
            yield found
        finally:
            judging.cancel()
            for car in made:
                await car.power_off()
            listening.close()


async def _judge(found: LimitedSite) -> None:
    while True:
        await asyncio.sleep(1)
        for car in found.cars:
            for outlet in car.outlets:
                car.limit(outlet)
        found.judge.look(found.total())
