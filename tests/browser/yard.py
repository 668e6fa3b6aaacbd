"""Charging stations and a site meter that live in a thread of their own, beside a browser that needs the first one.

The stations are `gateway.simulated_station` on real sockets, which shares nothing with the daemon's code; drivers come
only when a test sends them. The meter shows what the stations draw and what the building does. What the gateway makes
of all this is not known here.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from gateway.simulated_station import Habits, SimulatedStation
from tests.fakes.wire_meter import Amps, WireMeter

_PATIENCE_SECONDS = 30.0
DRIVERS_SPEED = 50.0  # of drivers: a visit's pauses take a fraction of a second
_MOST_AMPS = 16.0

Result = TypeVar("Result")


class Yard:
    """All methods may be called from the test's thread. `building`: what it draws on each phase, to be changed."""

    def __init__(self, loop: asyncio.AbstractEventLoop, stations_url: str, *, speed: float = DRIVERS_SPEED) -> None:
        self.building: Amps = (6.0, 5.0, 4.0)
        self.meter = WireMeter(self._flows)
        self._loop = loop
        self._url = stations_url
        self._speed = speed
        self._stations: dict[str, SimulatedStation] = {}
        self._lives: dict[str, asyncio.Task[None]] = {}

    def switch_on(self, identity: str, *, connectors: int = 1, password: bytes | None = None) -> None:
        """A station is given power; it dials at once and again, and knows what it knew before."""

        async def live() -> None:
            if identity not in self._stations:
                habits = Habits(
                    connectors=connectors,
                    busy=False,
                    speed=self._speed,
                    most_amps=_MOST_AMPS,
                    password=password,
                    transfers=True,
                )
                number = len(self._stations) + 1
                self._stations[identity] = SimulatedStation(identity, self._url, seed=number, habits=habits)
            self._lives[identity] = asyncio.create_task(self._stations[identity].run())

        self.do(live())

    def switch_off(self, identity: str) -> None:
        """It loses its power: nobody says goodbye."""

        async def die() -> None:
            life = self._lives.pop(identity)
            life.cancel()
            with suppress(asyncio.CancelledError):
                await life

        self.do(die())

    def lose_network(self, identity: str, seconds: float) -> None:
        """Its connection breaks; it dials again after so long."""
        self.do(self._stations[identity].lose_network(seconds))

    def plug_in(self, identity: str, tag: str, connector: int = 1) -> None:
        """A driver comes, shows this card, and stays until somebody ends it."""

        async def come() -> None:
            station = self._stations[identity]
            station.in_background(station.visit(connector, tag))

        self.do(come())

    def want(self, identity: str, amps: float, connector: int = 1) -> None:
        """The car that charges there wants so much on each line now."""

        async def ask_for_it() -> None:
            station = self._stations[identity]
            outlet = station.outlets[connector - 1]
            outlet.wanted_amps = (amps, amps, amps)
            station.limit(outlet)

        self.do(ask_for_it())

    def leave(self, identity: str, connector: int = 1) -> bool:
        """The driver ends the session; False when none runs."""
        return self._soon(lambda: self._stations[identity].end(connector))

    def is_charging(self, identity: str, connector: int = 1) -> bool:
        """Whether the station itself believes that a session runs."""
        return self._soon(lambda: self._stations[identity].outlets[connector - 1].session is not None)

    def amps(self, identity: str, connector: int = 1) -> Amps:
        """What flows on the station's own lines."""
        return self._soon(lambda: self._stations[identity].outlets[connector - 1].meter.amps)

    def firmware(self, identity: str) -> str:
        """The version that the station runs."""
        return self._soon(lambda: self._stations[identity].jobs.firmware_version)

    def is_accepted(self, identity: str) -> bool:
        """Whether the station has a connection, and was told that it may work."""
        return self._soon(lambda: self._stations[identity].connected)

    def do(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        """Have this done in the yard's thread; what comes of it."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(_PATIENCE_SECONDS)

    def close(self) -> None:
        """All power goes."""
        for identity in list(self._lives):
            self.switch_off(identity)

    def _soon(self, look: Callable[[], Result]) -> Result:
        async def now() -> Result:
            return look()

        return self.do(now())

    def _flows(self) -> Amps:
        site = list(self.building)
        for station in self._stations.values():
            for outlet in station.outlets:
                for phase, amps in enumerate(outlet.meter.amps):
                    site[phase] += amps
        one, two, three = site
        return one, two, three


@contextmanager
def yard(stations_url: str, *, meter_port: int | None = None, speed: float = DRIVERS_SPEED) -> Iterator[Yard]:
    """An empty yard. `stations_url`: everything before a station's identity; `meter_port`: where its meter listens;
    `speed`: of drivers and of what stations report by themselves."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="yard", daemon=True)
    thread.start()
    made = Yard(loop, stations_url, speed=speed)
    server = made.do(made.meter.listen(meter_port)) if meter_port is not None else None
    try:
        yield made
    finally:
        made.close()
        if server is not None:
            made.do(_closed(server))
        made.do(loop.shutdown_asyncgens())
        loop.call_soon_threadsafe(loop.stop)
        thread.join(_PATIENCE_SECONDS)
        loop.close()


async def _closed(server: asyncio.Server) -> None:
    server.close()
