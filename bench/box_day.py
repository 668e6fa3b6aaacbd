"""A part of a usual day of twenty stations, played in virtual time against the unchanged gateway, and what it wrote.

`python -m bench.box_day DIRECTORY HOURS SCENE`, a process of its own: what it writes is counted in /proc/self/io, and
on the block device below DIRECTORY, which should carry nothing else. Prints JSON. What the
figures mean is not known here.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.processes import written_bytes
from gateway.operations.manage_tags import put_tag
from tests.fakes.gateway_in_process import running_gateway
from tests.fakes.limited_site import METER, METER_PORT, Vehicle
from tests.fakes.virtual_network import FIRST_FREE_PORT
from tests.fakes.virtual_time import World, run_virtual
from tests.fakes.wire_meter import WireMeter
from tests.simulation.played_day import MORNING, surroundings

STATIONS = 20
SESSIONS_A_DAY = 6
HOUR = 3600.0
SESSION_SECONDS = 2 * HOUR
_FUSE_AMPS = 250.0  # less than all cars together want: limits have work
_SETTLING_SECONDS = 600.0
_SECTOR = 512
Amps = tuple[float, float, float]


# How often stations report in a session: as the gateway asks of them under load limits, or as the site wrote
SCENES = {
    "10 s": "",
    "30 s": 'desired_configuration = { MeterValueSampleInterval = "30" }\n',
    "60 s": 'desired_configuration = { MeterValueSampleInterval = "60" }\n',
}


def main() -> int:
    """Play, count, print."""
    directory, hours, scene = Path(sys.argv[1]), float(sys.argv[2]), sys.argv[3]
    counted: dict[str, Any] = {}
    run_virtual(lambda world: _play(world, directory, hours, SCENES[scene], counted), start=MORNING, seed=5)
    print(json.dumps(counted))
    return 0


async def _play(world: World, directory: Path, hours: float, of_station: str, counted: dict[str, Any]) -> None:
    url = f"ws://127.0.0.1:{FIRST_FREE_PORT}/ocpp"
    chance = random.Random(7)
    cars = [_vehicle(number, url, world, chance) for number in range(1, STATIONS + 1)]
    building, meter = _Building(chance), WireMeter(lambda: (0.0, 0.0, 0.0))
    meter.shows = lambda: building.with_cars(cars)
    tables = "".join(f'[[station]]\nid = "{car.identity}"\ncircuit = "main"\n{of_station}' for car in cars)
    circuit = f'[[circuit]]\nname = "main"\nlimit_amps = {_FUSE_AMPS}\nmeter = "grid"\n'
    listening = await meter.listen(METER_PORT)
    async with running_gateway(directory, more=METER + circuit + tables, surroundings=surroundings(world)) as running:
        for car in cars:
            await put_tag(running.site, car.card, {}, actor="bench")
        tasks = [asyncio.create_task(building.change())]
        for car in cars:
            car.power_on()
            await asyncio.sleep(7.3)  # the power came back at once, but each boots at its own pace
        tasks += [asyncio.create_task(_visits(car, number / STATIONS)) for number, car in enumerate(cars)]
        await asyncio.sleep(_SETTLING_SECONDS)
        with _counting(directory, counted):
            await asyncio.sleep(hours * HOUR)
            await running.site.database.alone(lambda db: db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall())
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        for car in cars:
            await car.power_off()
    listening.close()


def _vehicle(number: int, url: str, world: World, chance: random.Random) -> Vehicle:
    """Half of the cars charge on three lines, the others on one."""
    amps = chance.choice([16.0, 16.0, 32.0])
    wants: Amps = (amps, amps, amps) if number % 2 else (amps, 0.0, 0.0)
    return Vehicle(f"CP-{number}", url, wants=wants, wall_clock=world.clock.true_time)


class _Building:
    """What else the main fuse carries: it wanders, as a building does."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._amps = [20.0, 25.0, 30.0]

    async def change(self) -> None:
        while True:
            await asyncio.sleep(self._chance.uniform(2, 20))
            for phase in range(3):
                self._amps[phase] = min(60.0, max(5.0, self._amps[phase] + self._chance.uniform(-3, 3)))

    def with_cars(self, cars: list[Vehicle]) -> Amps:
        drawn = [car.amps() for car in cars]
        one, two, three = (
            self._amps[phase] + self._chance.uniform(-0.2, 0.2) + sum(amps[phase] for amps in drawn)
            for phase in range(3)
        )
        return one, two, three


async def _visits(car: Vehicle, phase: float) -> None:
    """Sessions spread over the day; `phase`: how much of the time between two sessions is over at the beginning."""
    between, here = 24 * HOUR / SESSIONS_A_DAY, SESSION_SECONDS - phase * 24 * HOUR / SESSIONS_A_DAY
    if here <= 0:
        await asyncio.sleep((1 - phase) * between)
        here = SESSION_SECONDS
    while True:
        car.in_background(car.visit(1, car.card, seconds=here))
        await _follow(car, here)
        await asyncio.sleep(between - SESSION_SECONDS)
        here = SESSION_SECONDS


async def _follow(car: Vehicle, seconds: float) -> None:
    """The car follows its limit, looked at every second."""
    for _ in range(int(seconds)):
        await asyncio.sleep(1)
        car.limit(car.outlets[0])


@contextmanager
def _counting(directory: Path, counted: dict[str, Any]) -> Iterator[None]:
    os.sync()
    given, sent = written_bytes(os.getpid())
    device = _device_bytes(directory)
    yield
    os.sync()
    given_after, sent_after = written_bytes(os.getpid())
    counted |= {"given": given_after - given, "sent": sent_after - sent}
    if device is not None:
        counted["device"] = (_device_bytes(directory) or 0) - device


def _device_bytes(directory: Path) -> int | None:
    """Bytes written to the block device below, since it is there; None where there is none."""
    number = directory.stat().st_dev
    try:
        fields = Path(f"/sys/dev/block/{os.major(number)}:{os.minor(number)}/stat").read_text().split()
    except OSError:
        return None
    return int(fields[6]) * _SECTOR


if __name__ == "__main__":
    sys.exit(main())
