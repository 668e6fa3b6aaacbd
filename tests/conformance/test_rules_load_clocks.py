"""A lease begins and ends by the clock of its station: late messages, clocks that are set, clocks that are wrong."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.conformance.test_rules_load_limits import NOTHING, Scene, scene_of
from tests.fakes.limited_site import HOUR, LimitedSite, story

TX = "TxProfile"


def begins(scene: Scene) -> datetime:
    """The beginning of the newest lease."""
    return datetime.fromisoformat(str(scene.station.sets(TX)[-1]["chargingSchedule"]["startSchedule"]))


async def tells_status(scene: Scene, status: str, at: datetime) -> None:
    told = at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    assert await scene.station.wire.shows(1, status, timestamp=told) == {}


async def ticks(scene: Scene, seconds: int) -> None:
    """Time passes while nobody knows better."""
    for _ in range(seconds):
        scene.sender.look_at(NOTHING, scene.plan)
        await asyncio.sleep(1)


def test_a_status_that_is_told_late_does_not_shorten_a_lease(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        await scene.passes(1)
        await scene.station.boot()
        session = await scene.station.charge()
        scene.limit(20, session, seconds=600)
        await scene.passes(5)
        await scene.station.connect()
        await tells_status(scene, "SuspendedEV", scene.station.clock() - timedelta(hours=2))
        sent = len(scene.station.sets(TX))
        await scene.passes(5)
        assert len(scene.station.sets(TX)) > sent
        assert abs((begins(scene) - scene.station.clock()).total_seconds()) < 70
        assert scene.station.allowed() == 20

    scene_of(tmp_path, act)


def test_a_clock_that_is_behind_is_found_out_and_what_was_sent_is_sent_again(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        right = scene.station.clock
        scene.station.clock = lambda: right() - timedelta(minutes=20)
        await ticks(scene, 1)
        await scene.station.boot()
        session = await scene.station.charge()
        scene.limit(20, session, seconds=600)
        await ticks(scene, 5)
        await tells_status(scene, "Charging", scene.station.clock())
        await ticks(scene, 10)
        await tells_status(scene, "SuspendedEV", scene.station.clock())
        await scene.passes(3)
        assert abs((begins(scene) - scene.station.clock()).total_seconds()) < 70
        assert scene.station.allowed() == 20

    scene_of(tmp_path, act)


def test_nothing_is_overloaded_when_the_clock_is_set_and_stations_follow_at_their_heartbeats(tmp_path: Path) -> None:
    """Two cars charge, the third waits at 0 A. Leases that a jump of its clock ends let it charge."""

    async def scene(site: LimitedSite) -> None:
        site.building = (22.0, 22.0, 22.0)
        await asyncio.sleep(400)
        assert sorted(max(car.amps()) > 0 for car in site.cars) == [False, True, True]
        clock = site.world.clock
        for step in (HOUR, -2 * HOUR):
            site.judge.longest = 0
            shows = clock.time
            before = clock.stepped_seconds
            for car in site.cars:
                car.wall_clock = lambda: shows() - timedelta(seconds=clock.stepped_seconds - before)  # noqa: B023
            clock.step(step)
            for car in site.cars:
                await asyncio.sleep(47)
                car.wall_clock = shows
            await asyncio.sleep(700)
            assert site.judge.longest <= 30, site.judge
            assert sorted(max(car.amps()) > 0 for car in site.cars) == [False, True, True]

    story(tmp_path, scene, cars=3, metered=True, more="background_worst_amps = 22")
