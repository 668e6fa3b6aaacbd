"""Load limits with a real daemon, real sockets and real meter lines: what the main fuse carries, and for how long.

Stations are simulated ones over WebSockets, the meter is an SDM630 on a pseudo terminal at 9600 Bd, or on Modbus TCP. A
judge adds up what the stations let through, ten times a second. Times are limits of patience, not measurements.
"""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.running_gateway import RunningGateway, running_gateway
from tests.fakes.limited_site import Vehicle
from tests.fakes.modbus_meters import ServedMeter, on_serial, on_tcp
from tests.fakes.pty_bridge import PtyBridge

pytestmark = pytest.mark.slow

FUSE = 40.0
WANTS = (32.0, 32.0, 32.0)
VOLTS = 230.0
STEP_SECONDS = 0.1
Amps = tuple[float, float, float]


@dataclass
class RealSite:
    """Cars, a building and the daemon. `longest`: seconds in a row above the fuse; `begin_anew` forgets them."""

    gateway: RunningGateway
    cars: list[Vehicle]
    meter: ServedMeter
    building: Amps = (0.0, 0.0, 0.0)
    longest: float = 0.0
    _above: float = 0.0
    _turn: int = field(default=0)

    def total(self) -> Amps:
        """What the main fuse carries."""
        drawn = [car.amps() for car in self.cars]
        one, two, three = (self.building[phase] + sum(amps[phase] for amps in drawn) for phase in range(3))
        return one, two, three

    def look(self) -> None:
        """A tenth of a second has passed: cars follow, the meter shows, the judge adds up."""
        for car in self.cars:
            for outlet in car.outlets:
                car.limit(outlet)
        total = self.total()
        self._turn += 1
        self._above = self._above + STEP_SECONDS if max(total) > FUSE + 1e-6 else 0.0
        self.longest = max(self.longest, self._above)
        for phase in range(3):
            self.show(2 * phase, VOLTS + 0.1 * (self._turn % 7))
            self.show(6 + 2 * phase, total[phase])
            self.show(12 + 2 * phase, VOLTS * total[phase])
        self.show(0x34, VOLTS * sum(total))

    def show(self, address: int, value: float) -> None:
        """A register pair of the meter."""
        high, low = struct.unpack(">HH", struct.pack(">f", value))
        self.meter.registers.update({address: high, address + 1: low})

    def car_that_ignores(self) -> Vehicle:
        """From now on the first station accepts limits and follows none."""
        self.cars[0].ignores = True
        return self.cars[0]

    def begin_anew(self) -> None:
        """From here on the judge counts again."""
        self.longest = self._above = 0.0

    async def until(self, holds: Callable[[], bool], what: str, *, within: float) -> None:
        """Wait for something of the plant."""
        for _ in range(round(within / STEP_SECONDS)):
            if holds():
                return
            await asyncio.sleep(STEP_SECONDS)
        raise AssertionError(
            f"not within {within:g} s: {what}; {self.total()} A flow\n{self.gateway.log_text()[-3000:]}"
        )

    async def until_told(self, holds: Callable[[Any], bool], what: str) -> None:
        """Wait for something that the API says of every connector."""
        for _ in range(90):
            if all(holds(one) for one in (await self.ask("GET", "/site"))["stations"]):
                return
            await asyncio.sleep(1)
        raise AssertionError(f"not within 90 s: {what}")

    async def ask(self, method: str, path: str, body: object = None) -> Any:
        """A request to the API; its document."""
        answer = await asyncio.to_thread(self.gateway.ask, method, path, body)
        assert answer.status < 300, answer
        return answer.document


@asynccontextmanager
async def real_site(place: Path, transport: str, meter: ServedMeter, *, cars: int = 3) -> AsyncIterator[RealSite]:
    """A daemon with a main fuse, cars below it, all of them charging."""
    tables = f'\n[[meter]]\nname = "grid"\nmodel = "eastron_sdm630"\ntransport = {transport}\n'
    tables += f'[[circuit]]\nname = "main"\nlimit_amps = {FUSE}\nmeter = "grid"\nbackground_worst_amps = 16\n'
    tables += "".join(f'[[station]]\nid = "CP-{n}"\ncircuit = "main"\n' for n in range(1, cars + 1))
    with running_gateway(place / "daemon", more=tables) as gateway:
        site = RealSite(gateway, [Vehicle(f"CP-{n}", gateway.ocpp_url, wants=WANTS) for n in range(1, cars + 1)], meter)
        for car in site.cars:
            await site.ask("PUT", f"/id-tags/{car.card}", {})
        judging = asyncio.create_task(_judge(site))
        for car in site.cars:
            car.power_on()
        try:
            await site.until(lambda: all(car.connected for car in site.cars), "stations are there", within=20)
            for car in site.cars:
                car.plug_in()
            await site.until(lambda: all(max(car.amps()) >= 6 for car in site.cars), "all charge", within=60)
            await site.until_told(lambda one: max(one["measured_amps"] or [0]) > 5, "all tell what they draw")
            assert site.longest == 0
            yield site
        finally:
            judging.cancel()
            for car in site.cars:
                await car.power_off()


async def _judge(site: RealSite) -> None:
    while True:
        site.look()
        await asyncio.sleep(STEP_SECONDS)


def sdm630() -> ServedMeter:
    """A meter that knows all registers of its table."""
    return ServedMeter(1, dict.fromkeys(range(0x50), 0))


async def test_a_serial_meter_with_faults_keeps_the_main_fuse_whole(place: Path) -> None:
    meter = sdm630()
    with PtyBridge(place) as bridge:
        transport = f'{{ type = "rtu", device = "{bridge.line}", baudrate = 9600, unit = 1 }}'
        async with on_serial(bridge.meter_side, meter), real_site(place, transport, meter) as site:
            await site.until(lambda: max(site.total()) > 30, "what is there is used", within=60)

            bridge.corrupt_answers = 4  # every second answer or so
            site.building = (14.0, 9.0, 14.0)
            await site.until(lambda: max(site.total()) <= FUSE, "room is made for the building", within=20)
            bridge.cut_answers = 2
            await asyncio.sleep(5)
            assert site.longest <= 20, "half of that was without a reading"

            site.begin_anew()
            await site.ask("PUT", "/site/limits/main", {"limit_amps": 33, "source": "dso"})
            await site.until(lambda: max(site.total()) <= 33, "a lower limit is followed", within=10)
            shown = await asyncio.to_thread(site.gateway.command, "limits", "--json")
            (circuit,) = json.loads(shown)["circuits"]
            assert circuit["effective_limit_amps"] == [33, 33, 33] and circuit["source"] == "dso"
            why = json.loads(await asyncio.to_thread(site.gateway.command, "why", "CP-1", "--json"))
            assert why["binding"] == {"circuit": "main", "phase": why["binding"]["phase"], "source": "dso"}
            await site.ask("DELETE", "/site/limits/main?source=dso")
            await site.until(lambda: max(site.total()) > 34, "it is taken away again", within=60)

            site.building = (3.0, 3.0, 3.0)
            await site.until(lambda: max(car.amps()[0] for car in site.cars) > 9, "cars have the rest", within=90)
            bridge.muted = True
            await site.until(
                lambda: max(site.total()) - 3.0 <= FUSE - 16, "16 A are kept for what nobody measures", within=50
            )
            assert site.longest == 0
            assert all(max(car.amps()) >= 6 for car in site.cars), "and all charge on"


async def test_a_killed_daemon_and_a_station_that_ignores_its_limit(place: Path) -> None:
    meter = sdm630()
    async with on_tcp(meter) as port:
        transport = f'{{ type = "tcp", host = "127.0.0.1", port = {port}, unit = 1 }}'
        async with real_site(place, transport, meter) as site:
            site.building = (3.0, 3.0, 3.0)
            await site.until(lambda: max(site.total()) > 30, "what is there is used", within=60)
            await asyncio.to_thread(site.gateway.kill)
            before = [max(car.amps()) for car in site.cars]
            await asyncio.sleep(5)
            assert [max(car.amps()) for car in site.cars] == before, "leases hold on without it"
            await asyncio.to_thread(site.gateway.start)
            await site.until(lambda: all(car.connected for car in site.cars), "stations come back", within=60)
            site.building = (12.0, 12.0, 12.0)
            await site.until(lambda: max(site.total()) <= FUSE, "limits are kept again", within=15)
            assert site.longest <= 15
            assert all(max(car.amps()) >= 6 for car in site.cars)

            site.begin_anew()
            rogue = site.car_that_ignores()
            await site.until(lambda: rogue.outlets[0].session is None, "its session is stopped", within=120)
            await site.until(lambda: max(site.total()) <= FUSE, "the fuse is safe", within=10)
            kinds = [event["kind"] for event in (await site.ask("GET", "/events?limit=1000"))["items"]]
            assert "load.session_stopped" in kinds and "load.alarm_raised" in kinds, kinds
