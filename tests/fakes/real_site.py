"""A charging site by the wall clock: stations on real sockets, a building, a meter on a real line, and a judge.

The meter shows what flows on each phase of the main fuse, with a hair of noise; the judge looks at the same currents
ten times a second, at the stations' side, and notes for how long each circuit is above its limit. What limits the cars
is not known here.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.fakes.modbus_meters import ServedMeter, float_words, on_serial, on_tcp
from tests.fakes.pty_bridge import PtyBridge
from tests.fakes.real_station import RealStation

Amps = tuple[float, float, float]

LOOK_SECONDS = 0.1
_VOLTS = 230.0
_HAIR = 1e-6
MAIN = "main"


@dataclass(frozen=True, slots=True)
class Stretch:
    """One circuit above its limit for a while: since when, how long, by how much at most."""

    circuit: str
    began: float
    seconds: float
    most_amps: float


@dataclass
class Judge:
    """Every 0.1 s. `stretches` are over, `open` are those that go on (circuit: since when, by how much at most)."""

    limits: Mapping[str, float]
    stretches: list[Stretch] = field(default_factory=list)
    open: dict[str, tuple[float, float]] = field(default_factory=dict)
    looks: int = 0
    widest_look_seconds: float = 0.0
    _last: float | None = None

    def look(self, flows: Mapping[str, Amps], at: float) -> None:
        """These currents flow at this moment."""
        if self._last is not None:
            self.widest_look_seconds = max(self.widest_look_seconds, at - self._last)
        self._last, self.looks = at, self.looks + 1
        for circuit, limit in self.limits.items():
            above = max(flows[circuit]) - limit
            if above > _HAIR:
                began, most = self.open.get(circuit, (at, 0.0))
                self.open[circuit] = began, max(most, above)
            elif circuit in self.open:
                began, most = self.open.pop(circuit)
                self.stretches.append(Stretch(circuit, began, at - began, most))

    def since(self, moment: float) -> list[Stretch]:
        """All stretches that were not over at this moment, also those that go on."""
        going = [Stretch(name, began, (self._last or began) - began, most) for name, (began, most) in self.open.items()]
        return [one for one in (*self.stretches, *going) if one.began + one.seconds >= moment]

    def longest(self, moment: float = 0.0) -> float:
        """Seconds of the longest stretch since then."""
        return max((one.seconds for one in self.since(moment)), default=0.0)


@dataclass
class RealSite:
    """`circuits`: the limit of each, MAIN among them; `hangs_on`: the circuits of each station beside MAIN."""

    circuits: Mapping[str, float]
    stations: Sequence[RealStation]
    hangs_on: Mapping[str, str] = field(default_factory=dict)
    building: Amps = (0.0, 0.0, 0.0)
    meter: ServedMeter = field(default_factory=lambda: ServedMeter(1, {}))
    bridge: PtyBridge | None = None
    meter_is_frozen: bool = False
    corrupted_share: float = 0.0  # of the meter's answers, a wrong bit
    judge: Judge = field(init=False)

    def __post_init__(self) -> None:
        self.judge = Judge(self.circuits)
        self._chance = random.Random(17)
        self.show()

    def flows(self) -> dict[str, Amps]:
        """What each circuit carries now."""
        sums = {name: [0.0, 0.0, 0.0] for name in self.circuits}
        sums[MAIN] = list(self.building)
        for station in self.stations:
            for phase, amps in enumerate(station.amps_by_phase):
                for name in {MAIN, self.hangs_on.get(station.identity, MAIN)}:
                    sums[name][phase] += amps
        return {name: (amps[0], amps[1], amps[2]) for name, amps in sums.items()}

    def drawn(self) -> Amps:
        """What the stations draw together."""
        flows = self.flows()[MAIN]
        one, two, three = (flows[phase] - self.building[phase] for phase in range(3))
        return one, two, three

    def is_legal(self) -> bool:
        """Is every circuit within its limit now?"""
        return all(max(amps) <= self.circuits[name] + _HAIR for name, amps in self.flows().items())

    def show(self) -> None:
        """The meter measures."""
        if self.meter_is_frozen:
            return
        values: dict[int, float] = {}
        for phase, amps in enumerate(self.flows()[MAIN]):
            volts = _VOLTS + self._chance.uniform(-0.5, 0.5)
            amps = max(0.0, amps + self._chance.uniform(-0.02, 0.02))
            values |= {2 * phase: volts, 6 + 2 * phase: amps, 12 + 2 * phase: volts * amps}
        values |= {0x34: sum(values[12 + 2 * phase] for phase in range(3)), 0x48: 1000.0, 0x4A: 0.0}
        words = dict.fromkeys(range(80), 0)
        for address, value in values.items():
            words |= {address + offset: word for offset, word in float_words(value).items()}
        self.meter.registers.update(words)

    async def run(self) -> None:
        """Until cancelled: measure and judge."""
        while True:
            self.show()
            if self.bridge is not None:
                self.bridge.corrupt_answers = int(self._chance.random() < self.corrupted_share)
                self.bridge.carried.clear()
            self.judge.look(self.flows(), time.monotonic())
            await asyncio.sleep(LOOK_SECONDS)

    async def until(self, holds: Callable[[], bool], what: str, within: float) -> float:
        """Wait until something is so; the seconds that took. AssertionError when it takes longer."""
        began = time.monotonic()
        while not holds():
            late = time.monotonic() - began > within
            assert not late, f"not within {within:g} s: {what}; {self.described()}"
            await asyncio.sleep(LOOK_SECONDS / 2)
        return time.monotonic() - began

    async def stays(self, holds: Callable[[], bool], what: str, seconds: float) -> None:
        """For so long something must be so, at every look."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            assert holds(), f"not any more: {what}; {self.described()}"
            await asyncio.sleep(LOOK_SECONDS / 2)

    def described(self) -> str:
        """For people: what flows, and where."""
        flows = {name: [round(each, 1) for each in amps] for name, amps in self.flows().items()}
        cars = {one.identity: (round(one.car.amps, 1), one.limit()) for one in self.stations}
        return f"{flows} of {dict(self.circuits)}, building {self.building}, car and limit {cars}"


@asynccontextmanager
async def metered_by_line(site: RealSite, directory: Path) -> AsyncIterator[str]:
    """The meter answers on a pseudo terminal at 9600 Bd; gives the `transport` for the gateway's file."""
    with PtyBridge(directory) as bridge:
        async with on_serial(bridge.meter_side, site.meter):
            site.bridge = bridge
            yield f'{{ type = "rtu", device = "{bridge.line}", unit = {site.meter.unit} }}'
            site.bridge = None


@asynccontextmanager
async def metered_by_tcp(site: RealSite, directory: Path) -> AsyncIterator[str]:
    """The meter answers on Modbus TCP; gives the `transport` for the gateway's file."""
    async with on_tcp(site.meter) as port:
        yield f'{{ type = "tcp", host = "127.0.0.1", port = {port}, unit = {site.meter.unit} }}'


@asynccontextmanager
async def alive(site: RealSite) -> AsyncIterator[None]:
    """All stations are switched on; measured and judged until the block is left."""
    tasks = [asyncio.create_task(station.live()) for station in site.stations]
    tasks.append(asyncio.create_task(site.run()))
    try:
        yield
        broken = [task for task in tasks if task.done()]
        assert not broken, [task.exception() for task in broken]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that is not below this share of them."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
