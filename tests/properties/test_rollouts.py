"""Whatever stations, cars and kills do: a rollout keeps its bounds, interrupts no car, ends, and leaves nothing out."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.updating_station import Oddities, UpdatingStation
from tests.properties.examples import examples
from tests.simulation.rollout_stage import DAY, ENDED, HOUR, MINUTE, RolloutStage, play_rollout

pytestmark = pytest.mark.slow  # whole campaigns in virtual time

ODD: tuple[dict[str, Any], ...] = (
    {},
    {"says_nothing": True},
    {"floods": 5},
    {"dies_while_loading": 1},
    {"dies_while_loading": 9},
    {"boots_with": "1.5"},
    {"stuck_unavailable": True},
    {"stuck_for_good": True},
    {"tells_no_boot": True},
    {"needs_no_reboot": True},
    {"never_comes_back": True},
    {"fails_to_install": True},
    {"faulted_afterwards": True},
    {"never_begins": True},
    {"not_done": frozenset({"UpdateFirmware"})},
)


class Played(NamedTuple):
    """A station: what is odd, how many connectors, and when a car charges there (minutes: from, for how long)."""

    odd: dict[str, Any]
    connectors: int
    car: tuple[int, int] | None


CARS = st.none() | st.tuples(st.integers(0, 90), st.integers(1, 240))
STATIONS = st.lists(st.builds(Played, st.sampled_from(ODD), st.integers(1, 2), CARS), min_size=2, max_size=4)
POLICIES = st.fixed_dictionaries(
    {
        "at_once": st.integers(1, 3),
        "canary": st.integers(0, 1),
        "drain": st.booleans(),
        "tries": st.integers(1, 2),
        "wave_share": st.sampled_from((0.3, 1.0)),
        "max_failures": st.integers(1, 3),
    }
)
KILLS = st.lists(st.integers(1, 60 * 60), max_size=3)


async def drive(station: UpdatingStation, car: tuple[int, int]) -> None:
    """A car comes, if the connector offers itself then, and goes."""
    begin, minutes = car
    await asyncio.sleep(begin * MINUTE)
    if station.is_on and station.statuses.get(1) == "Available":
        await station.charge(1)
        await asyncio.sleep(minutes * MINUTE)
        while not station.is_on:  # noqa: ASYNC110
            await asyncio.sleep(30)
        await station.stop(1)


async def watch(stage: RolloutStage, most: int) -> None:
    while True:
        busy = [one for one in (await stage.states()).values() if one not in (*ENDED, "waiting")]
        assert len(busy) <= most, busy
        await asyncio.sleep(20)


@settings(max_examples=examples(10), derandomize=True, deadline=None)
@given(played=STATIONS, policy=POLICIES, kills=KILLS)
def test_rollouts(played: list[Played], policy: dict[str, Any], kills: list[int]) -> None:
    async def scene(stage: RolloutStage) -> None:
        for number, one in enumerate(played, 1):
            await stage.station(f"CP-{number}", Oddities(**one.odd), connectors=one.connectors)
        await asyncio.sleep(30)
        made = list(stage.stations.values())
        cars = [asyncio.create_task(drive(made[n], one.car)) for n, one in enumerate(played) if one.car is not None]
        campaign = await stage.campaign(**policy, check_seconds=900, install_seconds=1200)
        watching = asyncio.create_task(watch(stage, policy["at_once"]))
        for seconds in kills:
            await asyncio.sleep(seconds)
            await stage.restart(after_seconds=30)
        for _ in range(len(played) + 1):
            await stage.until_state("finished", "halted", most_seconds=2 * DAY)
            if await stage.state() == "halted":
                assert await stage.wish(campaign, "resume") is None
                await asyncio.sleep(MINUTE)
        await stage.until_state("finished", most_seconds=2 * DAY)
        await asyncio.gather(*cars)
        await asyncio.sleep(2 * HOUR)
        assert not watching.done(), watching
        watching.cancel()
        _check(stage, await stage.rows("SELECT * FROM campaign_stations"), policy)

    with tempfile.TemporaryDirectory() as directory:
        play_rollout(Path(directory), scene)


def _check(stage: RolloutStage, rows: list[dict[str, Any]], policy: dict[str, Any]) -> None:
    for row in rows:
        station = stage.stations[row["station"]]
        assert row["state"] in ("done", "failed"), row
        assert not station.interrupted
        assert station.updates <= policy["tries"] + 1, "a kill may hide one try"
        if station.is_on:
            assert row["drained"] is None, row
            assert station.wanted_out == set()
