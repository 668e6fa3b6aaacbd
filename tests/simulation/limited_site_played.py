"""A site with two boards below a metered main fuse, played for hours: cars of all kinds, a building, and faults.

The judge adds up every second what each circuit carries on each supply phase, from what the stations let through and by
their wiring alone. Stations and cars are `tests.fakes.limited_site.Vehicle`; the gateway is the unchanged one, and may
be stopped and started again on its data.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from gateway.operations.manage_tags import put_tag
from tests.fakes.gateway_in_process import Running, running_gateway
from tests.fakes.limited_site import METER, METER_PORT, Vehicle
from tests.fakes.virtual_network import FIRST_FREE_PORT
from tests.fakes.virtual_time import World, run_virtual
from tests.fakes.wire_meter import Amps, WireMeter
from tests.simulation.played_day import MORNING, surroundings

MAIN, ROW = 63.0, 40.0
WORST_BUILDING = 25.0
FALLBACKS = (6.0, 6.0, 6.0, 6.0, 0.0, 0.0, 0.0, 0.0)  # what the main fuse bears beside the worst building
ROTATIONS = ("123", "231", "312")
WANTS: tuple[Amps, ...] = ((32.0, 32.0, 32.0), (16.0, 16.0, 16.0), (32.0, 0.0, 0.0), (16.0, 16.0, 0.0), (9.0, 9.0, 9.0))
BLOWS_SHARE = 1.13  # of a breaker's current: above it minutes may be too long (IEC 60898)


@dataclass
class Fuse:
    """What one circuit went through. Seconds above its limit: in all, in a row, and in a row above 1.13 of it."""

    limit: float
    over: int = 0
    longest: int = 0
    longest_hot: int = 0
    _now: int = 0
    _hot: int = 0

    def look(self, amps: float) -> None:
        """One second has passed."""
        self._now = self._now + 1 if amps > self.limit + 1e-6 else 0
        self._hot = self._hot + 1 if amps > BLOWS_SHARE * self.limit else 0
        self.over += self._now > 0
        self.longest, self.longest_hot = max(self.longest, self._now), max(self.longest_hot, self._hot)


@dataclass
class Played:
    """What a scene plays with, and what came of it."""

    world: World
    directory: Path
    cars: list[Vehicle]
    meter: WireMeter
    building: Amps = (8.0, 8.0, 8.0)
    fuses: dict[str, Fuse] = field(default_factory=lambda: {"main": Fuse(MAIN), "a": Fuse(ROW), "b": Fuse(ROW)})
    energy_wh: float = 0.0
    running: Running | None = None
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def start(self) -> None:
        """The gateway is there, on the data that it left."""
        gateway = running_gateway(self.directory, more=configuration(self.cars), surroundings=surroundings(self.world))
        self.running = await self._stack.enter_async_context(gateway)

    async def stop(self) -> None:
        """It is gone."""
        await self._stack.aclose()
        self.running = None

    def load(self, row: str | None = None) -> Amps:
        """What a board carries, or the main fuse with the building."""
        total = [0.0, 0.0, 0.0] if row else list(self.building)
        for number, car in enumerate(self.cars):
            if row is None or row == row_of(number):
                for line, amps in zip(rotation_of(number), car.amps(), strict=True):
                    total[int(line) - 1] += amps
        return total[0], total[1], total[2]

    def look(self) -> None:
        """One second has passed."""
        for car in self.cars:
            for outlet in car.outlets:
                car.limit(outlet)
            self.energy_wh += sum(car.amps()) * 230 / 3600
        for name, fuse in self.fuses.items():
            fuse.look(max(self.load(None if name == "main" else name)))

    def begin_anew(self) -> None:
        """Count from here on."""
        for fuse in self.fuses.values():
            fuse.over = fuse.longest = fuse.longest_hot = 0
        self.energy_wh = 0.0

    def assert_fuses_held(self, *, main: int = 30, hot: int = 15) -> None:
        """Boards never above their limit, the main fuse only as long as a rise of the building takes to be answered."""
        assert self.fuses["a"].over == 0 and self.fuses["b"].over == 0, self.fuses
        assert self.fuses["main"].longest <= main and self.fuses["main"].longest_hot <= hot, self.fuses


def row_of(number: int) -> str:
    """Cars hang on both boards in turn."""
    return "ab"[number % 2]


def rotation_of(number: int) -> str:
    """Neighbours on a board are rotated."""
    return ROTATIONS[number // 2 % 3]


def configuration(cars: list[Vehicle]) -> str:
    """The tables of the site."""
    text = METER + f'[[circuit]]\nname = "main"\nlimit_amps = {MAIN}\nmeter = "grid"\n'
    text += f"background_worst_amps = {WORST_BUILDING}\n"
    text += "".join(f'[[circuit]]\nname = "{row}"\nparent = "main"\nlimit_amps = {ROW}\n' for row in "ab")
    for number, car in enumerate(cars):
        text += f'[[station]]\nid = "{car.identity}"\ncircuit = "{row_of(number)}"\n'
        text += f'phase_rotation = "{rotation_of(number)}"\nfallback_amps = {FALLBACKS[number]}\n'
    return text


def played(directory: Path, scene: Callable[[Played], Awaitable[None]], *, seed: int = 1) -> Played:
    """Play `scene` with eight cars that all charge; what came of it."""
    found: list[Played] = []

    async def play(world: World) -> None:
        chance = random.Random(seed)
        url = f"ws://127.0.0.1:{FIRST_FREE_PORT}/ocpp"
        cars = [
            Vehicle(f"CP-{number}", url, wants=chance.choice(WANTS), wall_clock=world.clock.true_time)
            for number in range(1, 9)
        ]
        site = Played(world, directory, cars, WireMeter(lambda: (0.0, 0.0, 0.0)))
        found.append(site)
        site.meter.shows = site.load
        listening = await site.meter.listen(METER_PORT)
        await site.start()
        for car in cars:
            assert site.running is not None
            await put_tag(site.running.site, car.card, {}, actor="test")
        tasks = [asyncio.create_task(_judge(site)), asyncio.create_task(_building(site, chance))]
        for car in cars:
            car.power_on()
            await asyncio.sleep(chance.uniform(1, 20))
            car.plug_in()
        await asyncio.sleep(120)
        site.begin_anew()
        await scene(site)
        for task in tasks:
            task.cancel()
        for car in cars:
            await car.power_off()
        await site.stop()
        listening.close()

    run_virtual(play, start=MORNING, seed=seed)
    return found[0]


async def _judge(site: Played) -> None:
    while True:
        await asyncio.sleep(1)
        site.look()


async def _building(site: Played, chance: random.Random) -> None:
    """Machines switch: each phase anything up to the worst, once or twice a minute."""
    while True:
        await asyncio.sleep(chance.uniform(20, 90))
        one, two, three = (chance.uniform(2.0, WORST_BUILDING - 1) for _ in range(3))
        site.building = (one, two, three)
