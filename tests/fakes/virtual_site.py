"""A gateway with stations that answer by themselves, in virtual time: hours of automatic requests in a moment."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gateway.model.identities import StationId
from gateway.operations.known_settings import Settings, find_capabilities, find_settings_of
from gateway.operations.site import Site
from gateway.rules.capabilities import Capabilities
from tests.fakes.gateway_in_process import Running, running_gateway
from tests.fakes.keyed_station import KeyedStation
from tests.fakes.virtual_network import FIRST_FREE_PORT
from tests.fakes.virtual_time import World, run_virtual
from tests.simulation.played_day import surroundings

START = datetime(2027, 1, 15, 8, 0, tzinfo=UTC)  # scripted_station.NOW
MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
ONE_STATION = '[[station]]\nid = "CP-1"\n'


@dataclass
class VirtualSite:
    """What a scene plays with; `asleep` lets time pass."""

    world: World
    running: Running
    directory: Path
    stations: list[KeyedStation] = field(default_factory=list)

    @property
    def site(self) -> Site:
        return self.running.site

    def station(self, identity: str = "CP-1", **oddities: Any) -> KeyedStation:
        """A station that has no power yet."""
        made = KeyedStation(f"ws://127.0.0.1:{FIRST_FREE_PORT}/ocpp/{identity}", **oddities)
        self.stations.append(made)
        return made

    async def settings(self, station: str = "CP-1") -> Settings:
        """What the gateway knows of its configuration keys."""
        return await self.site.database.write(lambda db: find_settings_of(db, self.site, station))

    async def drift(self, station: str = "CP-1") -> dict[str, str]:
        """The keys that are not as wanted, and why."""
        return {one.key: one.state for one in (await self.settings(station)).drifts}

    async def capabilities(self, station: str = "CP-1") -> Capabilities:
        """What the gateway thinks the station can do."""
        return await self.site.database.write(lambda db: find_capabilities(db, StationId(station)))

    async def rows(self, sql: str) -> list[dict[str, Any]]:
        """What the database holds."""
        await self.site.database.write(lambda db: None)
        with closing(sqlite3.connect(self.site.database.path)) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(sql)]


def play(
    directory: Path,
    scene: Callable[[VirtualSite], Awaitable[None]],
    *,
    ocpp: str = "",
    more: str = ONE_STATION,
) -> None:
    """Play the scene; the stations are switched off after it."""

    async def main(world: World) -> None:
        async with running_gateway(directory, ocpp=ocpp, more=more, surroundings=surroundings(world)) as running:
            staged = VirtualSite(world, running, directory)
            try:
                await scene(staged)
            finally:
                await asyncio.gather(*(station.close() for station in staged.stations))

    run_virtual(main, start=START)


def wants(**configuration: str) -> str:
    """TOML of CP-1 with these wanted configuration keys."""
    pairs = ", ".join(f"{name} = {json.dumps(value)}" for name, value in configuration.items())
    return f"{ONE_STATION}desired_configuration = {{ {pairs} }}\n"
