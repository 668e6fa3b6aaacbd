"""A car park under load limits in virtual time: the unchanged gateway, two boards below a main fuse, a building.

Wallboxes and cars know nothing of the gateway. Every second their currents, with the building's, are added up on each
phase of each circuit; `Judge` writes down what was above a limit, and the meter shows the main sum two seconds late.
Currents are in A, times in s of the loop.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from gateway.model.load_decision import ConnectorDecision, Decision
from gateway.operations.manage_tags import put_tag
from tests.fakes.gateway_in_process import Running, running_gateway
from tests.fakes.limited_site import METER, METER_PORT, MINUTE
from tests.fakes.virtual_network import FIRST_FREE_PORT
from tests.fakes.virtual_time import World, run_virtual
from tests.fakes.visiting_car import VOLTS, VisitingCar, some_car
from tests.fakes.wallbox import Wallbox, Ways
from tests.fakes.wire_meter import WireMeter
from tests.simulation.played_day import MORNING, surroundings

MAIN_AMPS, BOARD_AMPS, FALLBACK_AMPS, WORST_AMPS = 125.0, 63.0, 6.0, 45.0
BOARDS = ("row-a", "row-b")
CONNECTORS = (2, 2, 1, 1)  # of the stations of each board
ROTATIONS = ("123", "231", "312")
ABOVE = 1.13  # beyond this a breaker begins to warm
METER_LATE_SECONDS = 2

Amps = tuple[float, float, float]


@dataclass
class Judge:
    """One circuit: seconds above its limit, on any phase, and above 1.13 of it; longest stretches."""

    limit: float
    over_seconds: int = 0
    longest: int = 0
    longest_above: int = 0
    most_over: float = 0.0
    _over: int = 0
    _above: int = 0

    def look(self, load: Amps) -> None:
        """One second has passed."""
        over = max(load) - self.limit
        self._over = self._over + 1 if over > 1e-6 else 0
        self._above = self._above + 1 if max(load) > ABOVE * self.limit else 0
        self.over_seconds += over > 1e-6
        self.longest, self.longest_above = max(self.longest, self._over), max(self.longest_above, self._above)
        self.most_over = max(self.most_over, over)

    def begin(self) -> None:
        """Forget what was."""
        self.over_seconds = self.longest = self.longest_above = self._over = self._above = 0
        self.most_over = 0.0

    def __str__(self) -> str:
        return f"{self.over_seconds} s, longest {self.longest}, {self.longest_above} of 1.13; {self.most_over:.1f} A"


class Building:
    """A load that wanders, and machines that switch 5 to 25 A for minutes; never above the worst that is configured."""

    def __init__(self, seed: int, machines: bool = True) -> None:
        self._chance = random.Random(f"building/{seed}")
        self._base = [self._chance.uniform(8, 18) for _ in range(3)]
        self._machines: list[tuple[float, Amps]] = []
        self.has_machines = machines

    def second(self, now: float) -> Amps:
        """What it draws now."""
        chance = self._chance
        self._base = [min(20.0, max(5.0, one + chance.uniform(-0.2, 0.2))) for one in self._base]
        self._machines = [one for one in self._machines if one[0] > now]
        if self.has_machines and len(self._machines) < 2 and chance.random() < 1 / 240:
            amps, phase = chance.uniform(5, 12.5), chance.choice((None, 0, 1, 2))
            one, two, three = (amps if phase in (None, line) else 0.0 for line in range(3))
            self._machines.append((now + chance.uniform(30, 900), (one, two, three)))
        one, two, three = (
            min(WORST_AMPS, self._base[line] + sum(load[line] for _, load in self._machines)) for line in range(3)
        )
        return one, two, three


@dataclass
class CarPark:
    """What a story plays with. `energy_wh` was drawn; `possible_wh` could have been, had the cars no least current."""

    world: World
    directory: Path
    configuration: str
    stations: list[Wallbox]
    building: Building
    meter: WireMeter
    judges: dict[str, Judge]
    chance: random.Random
    running: Running | None = None
    distort: Callable[[Amps], Amps] = lambda amps: amps
    energy_wh: float = 0.0
    possible_wh: float = 0.0
    loads: dict[str, Amps] = field(default_factory=dict)
    shown: deque[Amps] = field(default_factory=lambda: deque(maxlen=METER_LATE_SECONDS + 1))
    _daemon: AsyncExitStack | None = None

    @property
    def now(self) -> float:
        """Time of the loop."""
        return asyncio.get_running_loop().time()

    @property
    def decision(self) -> Decision:
        """The newest."""
        assert self.running is not None and self.running.site.load.tick is not None
        return self.running.site.load.tick.decision

    def decided(self, station: str, connector: int = 1) -> ConnectorDecision:
        """What was decided last for this connector."""
        return next(one for one in self.decision.connectors if (one.station, one.connector) == (station, connector))

    def station(self, identity: str) -> Wallbox:
        """The wallbox of this name."""
        return next(one for one in self.stations if one.identity == identity)

    async def start_gateway(self) -> None:
        """On the data directory as it is."""
        self._daemon = AsyncExitStack()
        around = surroundings(self.world)
        self.running = await self._daemon.enter_async_context(
            running_gateway(self.directory, more=self.configuration, surroundings=around)
        )

    async def stop_gateway(self) -> None:
        """It is gone; stations are told nothing."""
        daemon, self._daemon, self.running = self._daemon, None, None
        if daemon is not None:
            await daemon.aclose()

    async def until(self, holds: Callable[[], bool], within: float) -> float:
        """Let time pass until something is so; the seconds that took. Fails when it takes longer."""
        begun = self.now
        while not holds():
            assert self.now - begun <= within, f"not within {within:g} s: {self.loads}"
            await asyncio.sleep(1)
        return self.now - begun

    async def everybody_is_here(self) -> None:
        """All stations are connected."""
        await self.until(lambda: all(one.connected for one in self.stations), 120)

    def fill(self, car: Callable[[], VisitingCar] | None = None) -> None:
        """A car that never gets enough at every connector."""
        for station in self.stations:
            for outlet in station.outlets:
                found = some_car(self.chance) if car is None else car()
                found.wants_wh = 1e9
                station.park(outlet.number, found)

    async def come_and_go(self) -> None:
        """For ever: at every connector one car after another, each for half an hour to two hours."""
        async with asyncio.TaskGroup() as tasks:
            for station in self.stations:
                for outlet in station.outlets:
                    chance = random.Random(self.chance.random())
                    tasks.create_task(_visitors(station, outlet.number, chance))

    def assert_within(self, *, main: int = 30, above: int = 15, boards: int = 0) -> None:
        """No circuit was above its limit for longer than so many seconds on end."""
        told = {name: str(judge) for name, judge in self.judges.items()}
        assert self.judges["main"].longest <= main, told
        assert self.judges["main"].longest_above <= above, told
        for board in BOARDS:
            assert self.judges[board].longest <= boards, told

    async def live(self) -> None:
        """For ever: seconds."""
        while True:
            await asyncio.sleep(1)
            for station in self.stations:
                station.second(self.now)
            building = self.building.second(self.now)
            rows = {board: _sum(one.load() for one in self.stations if one.board == board) for board in BOARDS}
            self.loads = {"main": _sum([building, *rows.values()]), **rows}
            self.shown.append(self.loads["main"])
            for name, judge in self.judges.items():
                judge.look(self.loads[name])
            self.energy_wh += sum(sum(row) for row in rows.values()) * VOLTS / 3600
            self.possible_wh += self._possible(building) * VOLTS / 3600

    def shows(self) -> Amps:
        """What the meter has on its display."""
        return self.distort(self.shown[0]) if self.shown else (0.0, 0.0, 0.0)

    def _possible(self, building: Amps) -> float:
        wanted = {board: [0.0, 0.0, 0.0] for board in BOARDS}
        for station in self.stations:
            for number, car in station.cars.items():
                if station.outlets[number - 1].session is not None:
                    for line in range(car.lines):
                        wanted[station.board][station.rotation[line]] += car.could_draw(self.now)
        by_phase = [sum(min(BOARD_AMPS, row[phase]) for row in wanted.values()) for phase in range(3)]
        return sum(min(by_phase[phase], MAIN_AMPS - building[phase]) for phase in range(3))


def _sum(loads: object) -> Amps:
    rows: list[Amps] = list(loads)  # type: ignore[call-overload]
    return sum(row[0] for row in rows), sum(row[1] for row in rows), sum(row[2] for row in rows)


async def _visitors(station: Wallbox, connector: int, chance: random.Random) -> None:
    await asyncio.sleep(chance.uniform(0, 15 * MINUTE))
    while True:
        stays = chance.uniform(30 * MINUTE, 120 * MINUTE)
        station.park(connector, some_car(chance), stays)
        await asyncio.sleep(stays + chance.uniform(2 * MINUTE, 15 * MINUTE))


def story(
    directory: Path,
    scene: Callable[[CarPark], Awaitable[None]],
    *,
    seed: int = 1,
    ways: dict[str, Ways] | None = None,
    machines: bool = True,
    main: str = "",
    load: str = "",
    station: dict[str, str] | None = None,
) -> None:
    """Play `scene`: the gateway and 8 stations with 12 connectors are up. `main`, `load`, `station`: further TOML."""

    async def play(world: World) -> None:
        park = _built(world, directory, seed, ways or {}, machines, _description(main, load, station or {}))
        park.meter.shows = park.shows
        living = asyncio.create_task(park.live())
        await asyncio.sleep(METER_LATE_SECONDS + 1)
        listening = await park.meter.listen(METER_PORT)
        await park.start_gateway()
        assert park.running is not None
        for wallbox in park.stations:
            for card in wallbox.habits.id_tags:
                await put_tag(park.running.site, card, {}, actor="test")
            wallbox.power_on()
        try:
            await park.everybody_is_here()
            await scene(park)
        finally:
            living.cancel()
            for wallbox in park.stations:
                await wallbox.power_off()
            await park.stop_gateway()
            listening.close()

    run_virtual(play, start=MORNING, seed=seed)


def names() -> list[tuple[str, str, int, str]]:
    """Identity, board, connectors and rotation of every station."""
    found = []
    for row, board in enumerate(BOARDS):
        for place, connectors in enumerate(CONNECTORS):
            number = row * len(CONNECTORS) + place
            found.append((f"CP-{number + 1}", board, connectors, ROTATIONS[number % 3]))
    return found


def _built(
    world: World, directory: Path, seed: int, ways: dict[str, Ways], machines: bool, configuration: str
) -> CarPark:
    chance = random.Random(f"park/{seed}")
    url = f"ws://127.0.0.1:{FIRST_FREE_PORT}/ocpp"
    stations = []
    for identity, board, connectors, rotation in names():
        usual = Ways(delay_seconds=chance.uniform(0.3, 2.0), clock_ahead_seconds=chance.uniform(-20, 20))
        first, second, third = (int(one) - 1 for one in rotation)
        stations.append(
            Wallbox(
                identity,
                url,
                connectors=connectors,
                rotation=(first, second, third),
                board=board,
                ways=ways.get(identity, usual),
                true_time=world.clock.true_time,
            )
        )
    judges = {"main": Judge(MAIN_AMPS), **{board: Judge(BOARD_AMPS) for board in BOARDS}}
    meter = WireMeter(lambda: (0.0, 0.0, 0.0))
    return CarPark(world, directory, configuration, stations, Building(seed, machines), meter, judges, chance)


def _description(main: str, load: str, station: dict[str, str]) -> str:
    circuits = (
        f'[[circuit]]\nname = "main"\nlimit_amps = {MAIN_AMPS:g}\nmeter = "grid"\n'
        f"background_worst_amps = {WORST_AMPS:g}\n{main}\n"
    )
    for board in BOARDS:
        circuits += f'[[circuit]]\nname = "{board}"\nparent = "main"\nlimit_amps = {BOARD_AMPS:g}\n'
    stations = ""
    for identity, board, connectors, rotation in names():
        stations += (
            f'[[station]]\nid = "{identity}"\ncircuit = "{board}"\nconnectors = {connectors}\n'
            f'phase_rotation = "{rotation}"\n{station.get(identity, "")}\n'
        )
    return f"{METER}{load}\n{circuits}{stations}"
