"""Hours under load limits with the whole gateway: whatever fails, no fuse suffers, and cars get what is free."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.operations.limits_for_a_time import set_limit
from tests.simulation.limited_site_played import MAIN, ROW, WORST_BUILDING, Played, played

pytestmark = pytest.mark.slow

HOUR = 3600.0


@pytest.mark.parametrize("seed", [1, 2])
def test_a_quiet_hour_uses_what_there_is_and_no_more(tmp_path: Path, seed: int) -> None:
    async def scene(site: Played) -> None:
        await asyncio.sleep(HOUR)

    done = played(tmp_path, scene, seed=seed)
    done.assert_fuses_held()
    wanted = sum(sum(car.wants) for car in done.cars)
    boards = 2 * 3 * ROW
    most = min(wanted, boards, 3 * (MAIN - WORST_BUILDING)) * 230
    assert done.energy_wh >= 0.7 * most, (done.energy_wh, most)


def test_a_dead_gateway_for_half_an_hour(tmp_path: Path) -> None:
    async def scene(site: Played) -> None:
        await asyncio.sleep(600)
        site.assert_fuses_held()
        await site.stop()
        await asyncio.sleep(660)
        assert max(site.load()) <= MAIN
        assert all(max(car.amps()) <= 6.0 for car in site.cars), "all leases above the fallback have run out"
        await asyncio.sleep(1200)
        site.begin_anew()
        await site.start()
        await asyncio.sleep(1200)
        site.assert_fuses_held()
        assert max(max(car.amps()) for car in site.cars) > 6.0

    played(tmp_path, scene)


@pytest.mark.parametrize("what", ["mute", "frozen", "reversed"])
def test_a_meter_that_fails_for_a_quarter_of_an_hour(tmp_path: Path, what: str) -> None:
    async def scene(site: Played) -> None:
        await asyncio.sleep(120)
        frozen = site.load()
        if what == "mute":
            site.meter.mute = True
        else:
            site.meter.shows = lambda: frozen if what == "frozen" else tuple(-one for one in site.load())  # type: ignore[assignment,return-value]
            site.meter.steady = what == "frozen"
        await asyncio.sleep(900)
        charging = sum(max(car.amps()) >= 6.0 for car in site.cars)
        site.meter.mute, site.meter.shows, site.meter.steady = False, site.load, False
        await asyncio.sleep(600)
        assert charging >= 2, "it goes on with what is certainly free"

    played(tmp_path, scene).assert_fuses_held(main=75 if what == "frozen" else 30, hot=75 if what == "frozen" else 15)


def test_stations_come_and_go(tmp_path: Path) -> None:
    async def scene(site: Played) -> None:
        await site.cars[0].lose_network(1500)
        await asyncio.sleep(300)
        await site.cars[1].power_off()
        await asyncio.sleep(200)
        site.cars[1].power_on()
        await asyncio.sleep(60)
        site.cars[1].plug_in()
        await site.cars[2].reboot("Hard")
        await asyncio.sleep(1500)

    played(tmp_path, scene).assert_fuses_held()


@pytest.mark.parametrize("seconds", [3600, -3600])
def test_somebody_sets_the_clock(tmp_path: Path, seconds: int) -> None:
    async def scene(site: Played) -> None:
        await asyncio.sleep(120)
        site.world.clock.step(seconds)
        await asyncio.sleep(1500)
        assert max(max(car.amps()) for car in site.cars) > 6.0, "leases go on"

    played(tmp_path, scene).assert_fuses_held()


def test_a_station_that_accepts_and_ignores(tmp_path: Path) -> None:
    async def scene(site: Played) -> None:
        rogue = site.cars[0]
        rogue.wants = (32.0, 32.0, 32.0)
        rogue.ignores = True
        await asyncio.sleep(1200)
        ended = rogue.outlets[0].session is None
        board = site.fuses["a"]
        assert ended or board.longest <= 45, "others made room, or its session was stopped"
        assert board.longest <= 120

    done = played(tmp_path, scene)
    assert done.fuses["b"].over == 0
    assert done.fuses["main"].longest_hot <= 60


def test_a_lower_limit_for_a_while(tmp_path: Path) -> None:
    async def scene(site: Played) -> None:
        await asyncio.sleep(120)
        assert site.running is not None
        await set_limit(site.running.site, "a", {"limit_amps": 14, "source": "dso"}, actor="test")
        await asyncio.sleep(30)
        for _ in range(600):
            await asyncio.sleep(1)
            assert max(site.load("a")) <= 14.0

    played(tmp_path, scene).assert_fuses_held()
