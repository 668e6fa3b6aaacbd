"""Lists follow the site's tags by themselves: the whole gateway and simulated stations, hours in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

from gateway.operations.carry_out_commands import carry_out
from gateway.operations.manage_tags import import_tags, put_tag, remove_tag
from gateway.operations.site import Site
from gateway.operations.tag_files import Entry
from gateway.simulated_local_list import MOST_ENTRIES, LocalList
from gateway.simulated_station import Habits, SimulatedStation
from tests.fakes.gateway_in_process import running_gateway
from tests.fakes.virtual_time import World, run_virtual
from tests.simulation.played_day import surroundings

START = datetime(2027, 1, 15, 8, 0, tzinfo=UTC)
MINUTE, HOUR = 60.0, 3600.0


def play(directory: Path, scene: Callable[[Site, SimulatedStation], Awaitable[None]], *, more: str = "") -> None:
    """A site with the tag A, and a station that has just been switched on."""

    async def main(world: World) -> None:
        around, ocpp = surroundings(world), 'unknown_stations = "accept"'
        async with running_gateway(directory, ocpp=ocpp, more=more, surroundings=around) as running:
            await put_tag(running.site, "A", {"expiry_date": "2027-01-15T12:00:00Z"}, actor="test")
            station = SimulatedStation(
                "SIM", running.station_url("").removesuffix("/"), seed=1, habits=Habits(busy=False),
                wall_clock=world.clock.true_time,
            )  # fmt: skip
            task = asyncio.create_task(station.run())
            try:
                await scene(running.site, station)
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    run_virtual(main, start=START)


def held(station: SimulatedStation) -> dict[str, str]:
    """Tags and statuses in the station's list."""
    return {tag: str(info["status"]) for tag, info in station.local_list.entries.items()}


def test_a_station_gets_the_list_and_every_change_of_it(tmp_path: Path) -> None:
    async def scene(site: Site, station: SimulatedStation) -> None:
        await asyncio.sleep(MINUTE)
        assert held(station) == {"a": "Accepted"}
        first = station.local_list.version
        await put_tag(site, "B", {}, actor="test")
        await asyncio.sleep(MINUTE)
        assert held(station) == {"a": "Accepted", "b": "Accepted"}
        await remove_tag(site, "B", actor="test")
        await asyncio.sleep(MINUTE)
        assert held(station) == {"a": "Accepted"}
        await asyncio.sleep(5 * HOUR)
        assert held(station) == {"a": "Expired"}
        assert station.local_list.version == first + 3

    play(tmp_path, scene)


def test_a_list_that_a_reboot_lost_is_there_again_soon(tmp_path: Path) -> None:
    async def scene(site: Site, station: SimulatedStation) -> None:
        await asyncio.sleep(MINUTE)
        version = station.local_list.version
        station.local_list = LocalList()
        await station.reboot("Hard")
        await asyncio.sleep(2 * MINUTE)
        assert held(station) == {"a": "Accepted"}
        assert station.local_list.version > version

    play(tmp_path, scene)


def test_hundreds_of_tags_go_out_as_the_station_can_take_them(tmp_path: Path) -> None:
    async def scene(site: Site, station: SimulatedStation) -> None:
        entries = [Entry(number, {"id_tag": f"T{number:04}"}) for number in range(MOST_ENTRIES + 50)]
        await import_tags(site, lambda: (entries, []), partial=False, actor="test")
        await asyncio.sleep(5 * MINUTE)
        assert len(held(station)) == MOST_ENTRIES
        assert station.local_list.version == MOST_ENTRIES // 50

    play(tmp_path, scene)


def test_a_quiet_station_gets_nothing(tmp_path: Path) -> None:
    async def scene(site: Site, station: SimulatedStation) -> None:
        await asyncio.sleep(HOUR)
        assert held(station) == {}

    play(tmp_path, scene, more='[[station]]\nid = "SIM"\nquiet = true\n')


def test_lists_that_are_switched_off_and_on_in_the_station(tmp_path: Path) -> None:
    async def scene(site: Site, station: SimulatedStation) -> None:
        async def switch(value: str) -> None:
            payload = {"key": "LocalAuthListEnabled", "value": value}
            await carry_out(site, station="SIM", action="ChangeConfiguration", payload=payload, actor="test")
            await asyncio.sleep(MINUTE)

        await asyncio.sleep(MINUTE)
        await switch("false")
        await put_tag(site, "B", {}, actor="test")
        await asyncio.sleep(HOUR)
        assert held(station) == {"a": "Accepted"}
        await switch("true")
        assert held(station) == {"a": "Accepted", "b": "Accepted"}

    play(tmp_path, scene)
