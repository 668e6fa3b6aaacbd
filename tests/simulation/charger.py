"""A simulated station with what befalls it: no network for hours, resets, power cuts in the middle of a session.

It keeps what a test must know about sessions that a power cut ended: their stop is never sent.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from gateway.simulated_outlet import Session
from gateway.simulated_station import Habits, SimulatedStation

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
LONGEST_OFFLINE_SECONDS = 2 * HOUR


@dataclass(frozen=True, slots=True)
class Bad:
    """Mean seconds between two mishaps of one kind; None: it never happens."""

    network_every: float | None = None
    reset_every: float | None = None
    power_every: float | None = None


@dataclass(slots=True)
class Charger:
    """`station` lives while `power_on` was called and `power_off` was not."""

    station: SimulatedStation
    mishaps: dict[str, int] = field(default_factory=dict)
    _task: asyncio.Task[None] | None = None
    _cut: list[tuple[Session, int]] = field(default_factory=list)

    def power_on(self) -> None:
        """Boot."""
        self._task = asyncio.create_task(self.station.run())

    async def power_off(self) -> None:
        """At once, without a word to anybody; the queue of what must be delivered survives, as on flash."""
        assert self._task is not None
        running = [outlet for outlet in self.station.outlets if outlet.session is not None]
        now = asyncio.get_running_loop().time()
        self._cut += [(outlet.session, outlet.meter.read(now, 1.0)) for outlet in running if outlet.session]
        await self.halt()

    async def halt(self) -> None:
        """The test is over: stop where it is; running sessions count as running."""
        assert self._task is not None
        self._task.cancel()
        (task,), _ = await asyncio.wait([self._task])
        if not task.cancelled():
            task.result()  # it failed some time ago

    def cut_at_wh(self, session: Session) -> int | None:
        """The register when a power cut ended the session, None when none did."""
        return next((register for one, register in self._cut if one is session), None)

    def settled(self) -> bool:
        """Connected, and nothing waits to be delivered."""
        return self.station.connected and not self.station.link.kept

    async def suffer(self, bad: Bad, *, seed: str, until: float) -> None:
        """Mishaps by chance until the loop's time `until`; each is over when this returns."""
        chance, loop = random.Random(seed), asyncio.get_running_loop()
        kinds = {"network": bad.network_every, "reset": bad.reset_every, "power": bad.power_every}
        means = {kind: every for kind, every in kinds.items() if every is not None}
        if not means:
            return
        while True:
            waits = {kind: chance.expovariate(1 / every) for kind, every in means.items()}
            kind = min(waits, key=lambda name: waits[name])
            if loop.time() + waits[kind] > until:
                return
            await asyncio.sleep(waits[kind])
            await self._befall(kind, chance)

    async def _befall(self, kind: str, chance: random.Random) -> None:
        self.mishaps[kind] = self.mishaps.get(kind, 0) + 1
        if kind == "network":
            await self.station.lose_network(chance.uniform(MINUTE, LONGEST_OFFLINE_SECONDS))
        elif kind == "reset":
            await self.station.reboot(chance.choice(["Soft", "Hard"]))
        else:
            await self.power_off()
            await asyncio.sleep(chance.uniform(MINUTE, 30 * MINUTE))
            self.power_on()


def identity_of(number: int) -> str:
    """The identity of the charger number `number`."""
    return f"CP-{number:03d}"


def make_charger(
    number: int, url: str, wall_clock: Callable[[], datetime], *, seed: int, habits: Habits, sample_seconds: int
) -> Charger:
    """The charger number `number` of the site at `url`, still without power."""
    station = SimulatedStation(
        identity_of(number), url, seed=seed * 1000 + number, habits=habits, wall_clock=wall_clock
    )
    station.settings.answer_change({"key": "MeterValueSampleInterval", "value": str(sample_seconds)})
    return Charger(station)
