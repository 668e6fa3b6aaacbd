"""Hours of a site's past in a minute: the unchanged gateway in virtual time, with stations whose drivers come and go.

What it leaves is a data directory of which a real daemon goes on. It decides how busy the day was, and that nobody
charges in the end; what a screen shows of it is not known here.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gateway.configuration import load_configuration
from gateway.daemon import Addresses, run
from gateway.operations.manage_tags import put_tag
from gateway.operations.site import Site
from gateway.simulated_station import Habits, SimulatedStation
from tests.browser.running_site import fuse, station
from tests.fakes.virtual_network import FIRST_FREE_PORT
from tests.fakes.virtual_time import World, run_virtual
from tests.fakes.wire_meter import Amps, WireMeter
from tests.simulation.played_day import surroundings

_METER_PORT = 15_020
_MINUTE, _HOUR = 60.0, 3600.0
_DAY_HOURS = 24.0


def play(directory: Path, names: tuple[str, ...], cards: Mapping[str, str], *, hours: float, fuse_amps: int) -> None:
    """Play so many hours until now, on `directory`/data. `cards`: their notes, by idTag."""
    start = datetime.now(UTC) - timedelta(hours=hours)
    run_virtual(lambda world: _day(world, directory, names, cards, hours, fuse_amps), start=start, seed=5)


async def _day(
    world: World, directory: Path, names: tuple[str, ...], cards: Mapping[str, str], hours: float, fuse_amps: int
) -> None:
    stations = [_made(world, number, name, tuple(cards)) for number, name in enumerate(names, 1)]
    meter = WireMeter(lambda: _flows(world, stations))
    listening = await meter.listen(_METER_PORT)
    stop, up = asyncio.Event(), asyncio.get_running_loop().create_future()
    around = surroundings(world)
    around.started = lambda site, addresses: _tell(up, site, addresses)
    file = _configuration(directory, names, fuse_amps)
    gateway = asyncio.create_task(run(load_configuration(file), stop=stop, surroundings=around))
    site = await up
    for card, note in cards.items():
        await put_tag(site, card, {"note": note}, actor="user Some installer")
    lives = [asyncio.create_task(each.run()) for each in stations]
    await asyncio.sleep(hours * _HOUR - 5 * _MINUTE)
    for each in stations:
        await each.wind_down(_MINUTE)
    for life in lives:
        life.cancel()
    await asyncio.wait(lives)
    stop.set()
    await gateway
    listening.close()


def _tell(up: asyncio.Future[Site], site: Site, addresses: Addresses) -> None:
    up.set_result(site)


def _made(world: World, number: int, name: str, cards: tuple[str, ...]) -> SimulatedStation:
    url = f"ws://127.0.0.1:{FIRST_FREE_PORT}/ocpp"
    own = tuple(cards[(2 * number + more) % len(cards)] for more in range(2))
    habits = Habits(mean_session_seconds=1.2 * _HOUR, mean_pause_seconds=0.8 * _HOUR, id_tags=own)
    return SimulatedStation(name, url, seed=number, habits=habits, wall_clock=world.clock.true_time)


def _configuration(directory: Path, names: tuple[str, ...], fuse_amps: int) -> Path:
    file = directory / "past.toml"
    file.write_text(
        f'[site]\nid = "harbour"\n[data]\ndirectory = {json.dumps(str(directory / "data"))}\n'
        "[web]\nport = 0\n[firmware]\nport = 0\n"
        '[ocpp]\nhost = "127.0.0.1"\nport = 0\nunknown_tags = "accept"\n'
        + fuse(_METER_PORT, fuse_amps)
        + "".join(station(each) for each in names)
    )
    return file


def _flows(world: World, stations: list[SimulatedStation]) -> Amps:
    """The cars, and a building with lights, lifts and a kitchen at noon."""
    now = world.clock.true_time()
    hour = now.hour + now.minute / 60
    busy = 4.0 + 5.0 * math.exp(-(((hour - 12.0) / 3.0) ** 2)) + 0.8 * math.sin(2 * math.pi * hour * 24.0 / _DAY_HOURS)
    site = [busy, busy * 0.8, busy * 0.6]
    for each in stations:
        for outlet in each.outlets:
            each.limit(outlet)
            for phase, amps in enumerate(outlet.meter.amps):
                site[phase] += amps
    one, two, three = site
    return one, two, three
