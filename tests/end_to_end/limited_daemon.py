"""A real daemon with load limits and a wall-clock site around it: one configuration for the tests and for the bench."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.end_to_end.running_gateway import RunningGateway, free_ports
from tests.fakes.parked_car import ParkedCar
from tests.fakes.real_site import MAIN, RealSite, alive, metered_by_line
from tests.fakes.real_station import RealStation

Metered = Callable[[RealSite, Path], AbstractAsyncContextManager[str]]


@dataclass(frozen=True, slots=True)
class Place:
    """A station and the car at it."""

    identity: str
    car: ParkedCar
    circuit: str = MAIN
    rotation: str = "123"
    fallback_amps: float = 6.0
    slow_seconds: float = 0.0


@asynccontextmanager
async def limited_daemon(
    directory: Path,
    places: list[Place],
    *,
    circuits: dict[str, float],
    worst_amps: float,
    building_amps: float = 0.0,
    metered: Metered = metered_by_line,
) -> AsyncIterator[tuple[RealSite, RunningGateway]]:
    """A started daemon, all stations switched on. `worst_amps`: the building at its worst."""
    stations_port, web_port, firmware_port = free_ports(3)
    gateway = RunningGateway(directory, stations_port=stations_port, web_port=web_port)
    site = RealSite(
        circuits,
        [
            RealStation(each.identity, gateway.ocpp_url, each.car, each.rotation, slow_seconds=each.slow_seconds)
            for each in places
        ],
        {each.identity: each.circuit for each in places},
        (building_amps, building_amps, building_amps),
    )
    async with metered(site, directory) as transport:
        text = _text(directory, (stations_port, web_port, firmware_port))
        gateway.configuration.write_text(text + _site_text(places, circuits, worst_amps, transport))
        await asyncio.to_thread(gateway.start)
        try:
            async with alive(site):
                yield site, gateway
        except BaseException:
            with suppress(AssertionError):
                await asyncio.to_thread(gateway.stop)
            raise
        code = await asyncio.to_thread(gateway.stop)
        assert code == 0, gateway.log_text()[-4000:]
        assert "Traceback" not in gateway.log_text(), gateway.log_text()[-8000:]


def _text(directory: Path, ports: tuple[int, int, int]) -> str:
    return (
        '[site]\nid = "limited"\n'
        f"[data]\ndirectory = {json.dumps(str(directory / 'data'))}\n"
        '[log]\nlevel = "info"\n'
        f'[web]\nhost = "127.0.0.1"\nport = {ports[1]}\n'
        f'[firmware]\nhost = "127.0.0.1"\nport = {ports[2]}\n'
        f'[ocpp]\nhost = "127.0.0.1"\nport = {ports[0]}\nunknown_tags = "accept"\n'
    )


def _site_text(places: list[Place], circuits: dict[str, float], worst_amps: float, transport: str) -> str:
    parts = [f'[[meter]]\nname = "grid"\nmodel = "eastron_sdm630"\ntransport = {transport}\n']
    for name, limit in circuits.items():
        more = f'meter = "grid"\nbackground_worst_amps = {worst_amps}\n' if name == MAIN else f'parent = "{MAIN}"\n'
        parts.append(f'[[circuit]]\nname = "{name}"\nlimit_amps = {limit}\n{more}')
    parts += [
        f'[[station]]\nid = "{each.identity}"\ncircuit = "{each.circuit}"\nphase_rotation = "{each.rotation}"\n'
        f"fallback_amps = {each.fallback_amps}\n"
        for each in places
    ]
    return "\n".join(parts)
