"""A car park for hours in virtual time, with faults: no fuse carries more than it bears for longer than is promised.

What is promised (docs/load-limits.md): boards without other loads never carry too much. The main fuse does for as long
as a machine of the building that is switched on takes to be measured and answered: 30 s at most, 15 s above 1.13 of it.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from gateway.operations.limits_for_a_time import set_limit
from tests.fakes.car_park import BOARD_AMPS, BOARDS, FALLBACK_AMPS, MAIN_AMPS, Amps, CarPark, story
from tests.fakes.limited_site import HOUR, MINUTE
from tests.fakes.visiting_car import VisitingCar
from tests.fakes.wallbox import (
    HARDWARE_AMPS,
    Ways,
    all_but_the_whole_stations,
    amperes,
    session_profiles,
    stack_levels,
)
from tests.simulation.played_day import MORNING

pytestmark = pytest.mark.slow

LEASE_SECONDS = 600.0
CLOCKS_APART_SECONDS = 20.0
CAR_FOLLOWS_SECONDS = 5.0
HABIT_SECONDS = 60  # until it is noticed that somebody draws more than he may
STOPPED_SECONDS = 150
LONGEST_AWAY = 20
GREEDY = partial(VisitingCar, lines=3, most_amps=32.0)


def drawn_by_charging(park: CarPark) -> float:
    """Of all cars on all lines."""
    return sum(sum(station.load()) for station in park.stations)


async def charge_for(park: CarPark, seconds: float) -> float:
    """The mean of what all cars draw on all lines during this time."""
    before = park.energy_wh
    await asyncio.sleep(seconds)
    return (park.energy_wh - before) * 3600 / seconds / 230


@pytest.mark.parametrize("seed", [1, 2])
def test_cars_that_come_and_go_overload_no_fuse_and_use_what_there_is(directory: Path, seed: int) -> None:
    async def scene(park: CarPark) -> None:
        coming = asyncio.create_task(park.come_and_go())
        await asyncio.sleep(2 * HOUR)
        coming.cancel()
        park.assert_within()
        assert park.energy_wh > 0.8 * park.possible_wh

    story(directory, scene, seed=seed)


@pytest.mark.parametrize("seed", [2, 5])
def test_whatever_fails_next(directory: Path, seed: int) -> None:
    async def scene(park: CarPark) -> None:
        chance = random.Random(f"faults/{seed}")
        coming = asyncio.create_task(park.come_and_go())
        until = park.now + 90 * MINUTE
        await asyncio.sleep(5 * MINUTE)
        while park.now < until:
            await something_fails(park, chance)
            await asyncio.sleep(chance.uniform(10, 300))
        coming.cancel()
        park.assert_within(main=30 + LONGEST_AWAY)
        assert park.energy_wh > 0.5 * park.possible_wh
        assert park.running is not None
        modes = {key: outlet.mode for key, outlet in park.running.site.load.outlets.items()}
        assert set(modes.values()) == {"A"}, "nobody was taken for a station that follows no limit"

    story(directory, scene, seed=seed)


async def something_fails(park: CarPark, chance: random.Random) -> None:
    """One fault of many kinds; some are over when this returns, others mend themselves later."""
    station = chance.choice(park.stations)
    match chance.randrange(6):
        case 0:
            await station.lose_network(chance.uniform(1, 900))
        case 1:
            await station.power_off()
            await asyncio.sleep(chance.uniform(1, 60))
            station.power_on()
        case 2:
            await station.reboot(chance.choice(("Hard", "Soft")))
        case 3:
            await park.stop_gateway()
            await asyncio.sleep(chance.uniform(0, LONGEST_AWAY))
            await park.start_gateway()
        case 4:
            park.meter.mute = True
            await asyncio.sleep(chance.uniform(1, 120))
            park.meter.mute = False
        case _:
            park.world.clock.step(chance.uniform(-HOUR, HOUR))


def test_twelve_cars_at_once_never_take_more_than_was_kept_for_them(directory: Path) -> None:
    async def scene(park: CarPark) -> None:
        park.fill(GREEDY)
        for _ in range(600):
            await asyncio.sleep(1)
            for station in park.stations:
                for outlet in station.outlets:
                    kept = park.decided(station.identity, outlet.number).worst_amps
                    assert max(outlet.meter.amps) <= kept + 0.5, station.identity
        park.assert_within(main=0, above=0)
        assert drawn_by_charging(park) > 0.8 * 3 * 2 * BOARD_AMPS * 0.75

    story(directory, scene, machines=False)


def test_without_the_gateway_everybody_comes_down_by_himself_and_up_again_afterwards(directory: Path) -> None:
    async def scene(park: CarPark) -> None:
        park.fill()
        await asyncio.sleep(10 * MINUTE)
        before = await charge_for(park, 2 * MINUTE)
        park.assert_within()
        await park.stop_gateway()
        await asyncio.sleep(LEASE_SECONDS + CLOCKS_APART_SECONDS + CAR_FOLLOWS_SECONDS)
        park.assert_within(main=int(LEASE_SECONDS), above=int(LEASE_SECONDS))
        for judge in park.judges.values():
            judge.begin()
        await asyncio.sleep(20 * MINUTE)
        park.assert_within(main=0, above=0)
        drawn = [max(outlet.meter.amps) for station in park.stations for outlet in station.outlets]
        assert max(drawn) <= FALLBACK_AMPS and sum(drawn) > 9 * FALLBACK_AMPS
        await park.start_gateway()
        await park.everybody_is_here()
        await asyncio.sleep(10 * MINUTE)
        assert await charge_for(park, 5 * MINUTE) > 0.9 * before
        park.assert_within()

    story(directory, scene)


def test_a_gateway_that_starts_again_and_again_takes_nobody_for_free(directory: Path) -> None:
    async def scene(park: CarPark) -> None:
        park.fill()
        await asyncio.sleep(6 * MINUTE)
        for away in (1, 20, 200):
            await park.stop_gateway()
            await asyncio.sleep(away)
            await park.start_gateway()
            await asyncio.sleep(3 * MINUTE)
        await asyncio.sleep(10 * MINUTE)
        park.assert_within()
        assert drawn_by_charging(park) > 12 * FALLBACK_AMPS

    story(directory, scene, seed=3)


def reversed_meter(amps: Amps) -> Amps:
    """Its transformers were turned round."""
    return -amps[0], -amps[1], -amps[2]


def meter_beyond_all_measure(amps: Amps) -> Amps:
    """It says a thousand times as much."""
    return 1000 * amps[0], 1000 * amps[1], 1000 * amps[2]


def meter_that_lost_a_transformer(amps: Amps) -> Amps:
    """Phase 2 is not measured any more."""
    return amps[0], 0.0, amps[2]


def meter_that_sees_nothing(amps: Amps) -> Amps:
    """Its transformers were taken off."""
    return 0.0, 0.0, 0.0


@pytest.mark.parametrize(
    "wrong", [reversed_meter, meter_beyond_all_measure, meter_that_lost_a_transformer, meter_that_sees_nothing]
)
def test_a_meter_that_says_what_cannot_be_does_not_open_the_site(
    directory: Path, wrong: Callable[[Amps], Amps]
) -> None:
    async def scene(park: CarPark) -> None:
        park.fill()
        await asyncio.sleep(8 * MINUTE)
        park.distort = wrong
        await asyncio.sleep(15 * MINUTE)
        assert park.decision.circuits[0].mode == "bound", "the worst case, as nobody measures it"
        park.assert_within()
        park.distort = lambda amps: amps
        await asyncio.sleep(5 * MINUTE)
        assert park.decision.circuits[0].mode == "normal"
        park.assert_within()

    story(directory, scene)


@pytest.mark.parametrize("how", ["mute", "frozen"])
def test_a_meter_that_says_nothing_new(directory: Path, how: str) -> None:
    async def scene(park: CarPark) -> None:
        park.fill()
        await asyncio.sleep(8 * MINUTE)
        setattr(park.meter, how, True)
        await park.until(lambda: park.decision.circuits[0].mode == "bound", within=100)
        assert any(alarm.kind == "meter_missing" for alarm in park.decision.alarms)
        await asyncio.sleep(15 * MINUTE)
        park.assert_within(main=100 if how == "frozen" else 30, above=100 if how == "frozen" else 15)
        assert drawn_by_charging(park) > 0.5 * 3 * (MAIN_AMPS - 45), "who is alone with the worst case charges on"
        setattr(park.meter, how, False)
        await asyncio.sleep(5 * MINUTE)
        assert park.decision.circuits[0].mode == "normal"

    story(directory, scene)


def test_stations_away_for_an_hour_keep_their_room(directory: Path) -> None:
    async def scene(park: CarPark) -> None:
        park.fill(GREEDY)
        away = [park.station("CP-1"), park.station("CP-6"), park.station("CP-7")]
        await asyncio.sleep(8 * MINUTE)
        for station in away:
            await station.lose_network(HOUR)
        for _ in range(20 * 60):
            await asyncio.sleep(1)
            for station in away:
                for outlet in station.outlets:
                    kept = park.decided(station.identity, outlet.number).worst_amps
                    assert max(outlet.meter.amps) <= kept + 0.5, station.identity
        assert {alarm.kind for alarm in park.decision.alarms} >= {"station_offline"}
        others = [one for one in park.stations if one not in away]
        assert all(max(outlet.meter.amps) <= FALLBACK_AMPS for one in away for outlet in one.outlets)
        assert max(max(one.load()) for one in others) > 10
        await asyncio.sleep(HOUR)
        assert all(station.connected for station in away)
        assert max(max(station.load()) for station in away) > FALLBACK_AMPS
        park.assert_within()

    story(directory, scene)


def test_stations_that_boot_in_the_middle_of_everything(directory: Path) -> None:
    async def scene(park: CarPark) -> None:
        park.fill()
        await asyncio.sleep(6 * MINUTE)
        for station in park.stations[:3]:
            await station.power_off()
        await asyncio.sleep(100)
        for station in park.stations[:3]:
            station.power_on()
        await park.everybody_is_here()
        for station in park.stations[:3]:
            for outlet in station.outlets:
                station.park(outlet.number, GREEDY())
        await asyncio.sleep(5 * MINUTE)
        await park.stations[4].reboot("Hard")
        await park.stations[7].reboot("Soft")
        await asyncio.sleep(10 * MINUTE)
        park.assert_within()
        assert all(max(station.load()) >= FALLBACK_AMPS for station in park.stations[:3])

    story(directory, scene)


def test_everybody_loses_the_network_at_once_and_comes_back(directory: Path) -> None:
    async def scene(park: CarPark) -> None:
        park.fill()
        await asyncio.sleep(8 * MINUTE)
        before = await charge_for(park, 2 * MINUTE)
        for seconds in (10, 120, 1200):
            for station in park.stations:
                await station.lose_network(seconds)
            await asyncio.sleep(seconds + 8 * MINUTE)
        assert await charge_for(park, 2 * MINUTE) > 0.9 * before
        park.assert_within()

    story(directory, scene, machines=False)


@pytest.mark.parametrize("step", ["an hour ahead", "an hour back", "to 1970"])
def test_the_wall_clock_is_set_while_cars_charge(directory: Path, step: str) -> None:
    to_1970 = (datetime(1970, 1, 1, tzinfo=UTC) - MORNING).total_seconds()
    seconds = {"an hour ahead": HOUR, "an hour back": -HOUR, "to 1970": to_1970}[step]

    async def scene(park: CarPark) -> None:
        park.fill()
        await asyncio.sleep(8 * MINUTE)
        before = await charge_for(park, 2 * MINUTE)
        park.world.clock.step(seconds)
        during = await charge_for(park, 15 * MINUTE)
        park.assert_within()
        assert during > 0.85 * before, "leases are renewed, and end by nobody's clock but the station's"

    story(directory, scene, machines=False)


def test_a_lower_limit_at_run_time_and_at_certain_hours(directory: Path) -> None:
    async def scene(park: CarPark) -> None:
        park.fill()
        await asyncio.sleep(8 * MINUTE)
        assert park.running is not None
        await set_limit(park.running.site, "row-a", {"limit_amps": 24, "source": "dso"}, actor="test")
        await asyncio.sleep(30)
        for _ in range(300):
            await asyncio.sleep(1)
            assert max(park.loads["row-a"]) <= 24
        assert max(park.loads["row-b"]) > 30
        await asyncio.sleep((MORNING.replace(hour=22, minute=20) - MORNING).total_seconds() - park.now + 30)
        for _ in range(300):
            await asyncio.sleep(1)
            assert max(park.loads["main"]) <= 70
        await asyncio.sleep(10 * MINUTE)
        assert max(park.loads["main"]) > 75, "it is over"
        park.assert_within()

    hours = 'schedule = [{ from = "22:20", to = "22:30", limit_amps = 70 }]'
    story(directory, scene, main=hours, machines=False)


def test_a_car_that_joins_after_twenty_minutes(directory: Path) -> None:
    async def scene(park: CarPark) -> None:
        station = park.station("CP-3")
        for one in park.stations:
            if one.identity in ("CP-2", "CP-7", "CP-8"):  # there is room for one more
                for outlet in one.outlets:
                    one.park(outlet.number, GREEDY(most_amps=20.0))
        station.park(1, GREEDY(asleep_until=park.now + 20 * MINUTE, seconds_to_start=8.0))
        await asyncio.sleep(20 * MINUTE)
        assert max(station.load()) == 0 and park.decided("CP-3").satisfied
        assert max(park.loads["row-a"]) == 40, "what it does not use is used by others"
        await park.until(lambda: max(station.load()) >= FALLBACK_AMPS, within=5 * MINUTE)
        await asyncio.sleep(5 * MINUTE)
        assert max(station.load()) > 8, "and it has its share"
        park.assert_within()

    story(directory, scene, machines=False)


@pytest.mark.parametrize("seed", [5])
def test_stations_of_all_habits_on_one_site(directory: Path, seed: int) -> None:
    ways = {
        "CP-1": Ways(refuses=session_profiles),
        "CP-2": Ways(refuses=stack_levels),
        "CP-3": Ways(refuses=all_but_the_whole_stations),
        "CP-4": Ways(default_from_next_session=True),
        "CP-5": Ways(refuses=amperes),
        "CP-7": Ways(forgets_at_reboot=True),
        "CP-8": Ways(forgets_at_reconnect=True),
    }

    async def scene(park: CarPark) -> None:
        park.fill()
        await asyncio.sleep(20 * MINUTE)
        for board in BOARDS:
            assert park.judges[board].longest <= HABIT_SECONDS, {name: str(one) for name, one in park.judges.items()}
        for judge in park.judges.values():
            judge.begin()
        await asyncio.sleep(20 * MINUTE)
        park.assert_within()
        assert all(max(station.load()) >= FALLBACK_AMPS for station in park.stations)

    story(directory, scene, seed=seed, ways=ways, machines=False)


def test_a_station_that_accepts_and_ignores_has_its_room_kept_and_people_are_told(directory: Path) -> None:
    async def scene(park: CarPark) -> None:
        park.fill(GREEDY)
        await park.until(lambda: park.decided("CP-3").worst_amps == HARDWARE_AMPS, within=5 * MINUTE)
        await asyncio.sleep(5 * MINUTE)
        assert park.judges["row-a"].longest <= HABIT_SECONDS, str(park.judges["row-a"])
        park.judges["row-a"].begin()
        await asyncio.sleep(10 * MINUTE)
        assert max(park.station("CP-3").load()) == HARDWARE_AMPS, "it charges on: there is room for it"
        assert any(alarm.subject == "CP-3/1" for alarm in park.decision.alarms), park.decision.alarms
        park.assert_within()

    story(directory, scene, ways={"CP-3": Ways(ignores=True)}, machines=False)


def test_when_too_many_ignore_their_limits_sessions_are_stopped(directory: Path) -> None:
    async def scene(park: CarPark) -> None:
        park.fill(GREEDY)
        await asyncio.sleep(15 * MINUTE)
        rogues = [park.station("CP-1"), park.station("CP-3")]
        stopped = [one for station in rogues for one in station.sessions if one.reason == "Remote"]
        assert stopped, {name: str(one) for name, one in park.judges.items()}
        assert park.judges["row-a"].longest <= STOPPED_SECONDS, str(park.judges["row-a"])
        assert park.judges["row-b"].over_seconds == 0
        park.judges["row-a"].begin()
        await asyncio.sleep(10 * MINUTE)
        park.assert_within()

    story(directory, scene, ways={"CP-1": Ways(ignores=True), "CP-3": Ways(ignores=True)}, machines=False)


def test_slow_stations_with_wrong_clocks(directory: Path) -> None:
    ways = {
        "CP-1": Ways(delay_seconds=8.0),
        "CP-2": Ways(delay_seconds=6.0, clock_ahead_seconds=-3000),
        "CP-3": Ways(clock_ahead_seconds=7200),
        "CP-5": Ways(delay_seconds=8.0, clock_ahead_seconds=40),
        "CP-6": Ways(clock_ahead_seconds=-50 * 365 * 86400),
    }

    async def scene(park: CarPark) -> None:
        park.fill()
        await asyncio.sleep(30 * MINUTE)
        park.assert_within()
        assert all(max(station.load()) > 0 for station in park.stations)

    story(directory, scene, ways=ways)
