"""Lower limits for a time at work in the daemon: ends, schedules over a change of clocks, restarts and wrong clocks.

The whole gateway in virtual time, with no station: what the newest tick decided for the circuit is looked at.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

from gateway.daemon import Surroundings
from gateway.model.instants import Instant, text_of
from gateway.operations.limits_for_a_time import set_limit
from gateway.rules.limit_clock import BELIEVED_AFTER_SECONDS
from gateway.store.temporary_limits import KeptLimit
from tests.fakes.gateway_in_process import running_gateway
from tests.fakes.virtual_site import DAY, HOUR, MINUTE, VirtualSite
from tests.fakes.virtual_time import World, run_virtual

ONE = '[[circuit]]\nname = "main"\nlimit_amps = 63\n'
NIGHT, SHORT = 'from = "22:00", to = "06:00", limit_amps = 40', 'from = "02:30", to = "02:45", limit_amps = 20'
BY_NIGHT = f"{ONE}schedule = [{{ {NIGHT} }}, {{ {SHORT} }}]"
WINTER = datetime(2027, 1, 15, 8, 0, tzinfo=UTC)


class Scene:
    """A gateway whose wall clock the test may set."""

    def __init__(self, stage: VirtualSite, wrong: list[int]) -> None:
        self.stage, self._wrong = stage, wrong

    def set_clock(self, seconds: float) -> None:
        """From now on it shows so much more than the true time."""
        self._wrong[0] = round(seconds * 1e6)

    async def holds(self, expected: float) -> str:
        """Wait until the loop has had the time to notice; the source of what holds."""
        await asyncio.sleep(8)
        tick = self.stage.site.load.tick
        assert tick is not None
        (circuit,) = tick.decision.circuits
        assert circuit.effective_limit_amps == (expected,) * 3, text_of(self.stage.site.wall_clock())
        return circuit.source

    async def sets(self, **fields: object) -> None:
        outcome = await set_limit(self.stage.site, "main", fields, actor="test")
        assert isinstance(outcome, KeptLimit), outcome

    def later(self, seconds: float) -> str:
        return text_of(Instant(round(self.stage.world.clock.micros() + seconds * 1e6)))

    async def said(self) -> list[str]:
        rows = await self.stage.rows("SELECT kind FROM events WHERE kind LIKE 'load.limit%' ORDER BY id")
        return [row["kind"].removeprefix("load.") for row in rows]


def play(
    directory: Path,
    scene: Callable[[Scene], Awaitable[None]],
    *,
    start: datetime = WINTER,
    more: str = ONE,
    wrong_seconds: float = 0,
) -> None:
    wrong = [round(wrong_seconds * 1e6)]

    async def main(world: World) -> None:
        around = Surroundings(
            wall_clock=lambda: Instant(world.clock.micros() + wrong[0]), clock=world.clock.machine, web=False
        )
        zone = 'timezone = "Europe/Amsterdam"'
        async with running_gateway(directory, site=zone, more=more, surroundings=around) as running:
            await scene(Scene(VirtualSite(world, running, directory), wrong))

    run_virtual(main, start=start)


def test_every_minute_is_in_the_history_and_every_limit_in_its_log(tmp_path: Path) -> None:
    async def scene(now: Scene) -> None:
        await asyncio.sleep(2 * MINUTE)
        await now.sets(limit_amps=20, source="dso", until=now.later(20))
        await asyncio.sleep(3 * MINUTE + 10)
        rows = await now.stage.rows("SELECT minute, limit_1_ma, measured_1_ma FROM circuit_history ORDER BY minute")
        minutes = [row["minute"] for row in rows]
        assert minutes == list(range(minutes[0], minutes[0] + 5)), "the one that runs is not there yet"
        assert sorted({row["limit_1_ma"] for row in rows}) == [20_000, 63_000]
        assert {row["measured_1_ma"] for row in rows} == {None}, "it has no meter"
        (logged,) = await now.stage.rows("SELECT * FROM limits_log")
        assert (logged["ended_why"], logged["ended_by"], logged["set_by"]) == ("over", None, "test")
        assert 0 <= logged["ended_at"] - logged["until"] < 6_000_000

    play(tmp_path, scene)


def test_the_lowest_holds_and_each_ends_by_itself(tmp_path: Path) -> None:
    async def scene(site: Scene) -> None:
        assert await site.holds(63) == "installer"
        await site.sets(limit_amps=40, source="fleet", until=site.later(2 * HOUR))
        await site.sets(limit_amps=20, source="dso", until=site.later(HOUR))
        await site.sets(limit_amps=50)
        assert await site.holds(20) == "dso"
        await asyncio.sleep(HOUR - MINUTE)
        assert await site.holds(20) == "dso"
        await asyncio.sleep(MINUTE)
        assert await site.holds(40) == "fleet"
        await asyncio.sleep(HOUR)
        assert await site.holds(50) == "api"
        assert await site.said() == ["limit_set"] * 3 + ["limit_ended"] * 2

    play(tmp_path, scene)


def test_a_limit_survives_a_restart_and_ends_meanwhile_without_one(tmp_path: Path) -> None:
    async def before(site: Scene) -> None:
        await site.sets(limit_amps=20, source="dso", until=site.later(DAY))
        await site.sets(limit_amps=16, until=site.later(HOUR))

    async def after(site: Scene) -> None:
        assert await site.holds(20) == "dso"
        assert await site.said() == ["limit_set", "limit_set", "limit_ended"]

    play(tmp_path, before)
    play(tmp_path, after, start=WINTER.replace(hour=12))


def test_schedules_on_the_nights_when_the_clocks_change(tmp_path: Path) -> None:
    async def spring(site: Scene) -> None:
        """28 March 2027 in Amsterdam has no 02:30; the short window holds all the same."""
        assert await site.holds(63) == "installer"  # 21:50 on site
        await asyncio.sleep(10 * MINUTE)
        assert await site.holds(40) == "schedule"
        await asyncio.sleep(4 * HOUR)  # 01:00 UTC: 03:00 on site
        assert await site.holds(20) == "schedule"
        await asyncio.sleep(HOUR)
        assert await site.holds(40) == "schedule"
        await asyncio.sleep(2 * HOUR)  # 04:00 UTC: 06:00 on site
        assert await site.holds(63) == "installer"

    async def autumn(site: Scene) -> None:
        """31 October 2027 has it twice; it holds from the first to the second."""
        assert await site.holds(40) == "schedule"  # 02:29 on site
        await asyncio.sleep(MINUTE)
        assert await site.holds(20) == "schedule"
        await asyncio.sleep(HOUR)  # 02:30 again
        assert await site.holds(20) == "schedule"
        await asyncio.sleep(15 * MINUTE)
        assert await site.holds(40) == "schedule"
        await asyncio.sleep(3 * HOUR)
        assert await site.holds(40) == "schedule"  # 05:46
        await asyncio.sleep(15 * MINUTE)
        assert await site.holds(63) == "installer"
        assert await site.said() == [], "nobody set them, and nobody is told each night"

    (tmp_path / "a").mkdir(), (tmp_path / "b").mkdir()
    play(tmp_path / "a", spring, more=BY_NIGHT, start=datetime(2027, 3, 27, 20, 50, tzinfo=UTC))
    play(tmp_path / "b", autumn, more=BY_NIGHT, start=datetime(2027, 10, 31, 0, 29, 0, tzinfo=UTC))


def test_a_clock_set_ahead_ends_nothing_unless_it_stays_so(tmp_path: Path) -> None:
    async def scene(site: Scene) -> None:
        await site.sets(limit_amps=20, source="dso", until=site.later(DAY))
        assert await site.holds(20) == "dso"
        site.set_clock(10 * 365 * DAY)
        await asyncio.sleep(5 * MINUTE)
        assert await site.holds(20) == "dso"
        site.set_clock(0)
        await asyncio.sleep(BELIEVED_AFTER_SECONDS)
        assert await site.holds(20) == "dso"
        site.set_clock(10 * 365 * DAY)
        await asyncio.sleep(BELIEVED_AFTER_SECONDS)
        assert await site.holds(63) == "installer", "that is the time now, and no limit stays for ever"

    play(tmp_path, scene)


def test_a_controller_that_starts_in_1970(tmp_path: Path) -> None:
    behind = -(WINTER - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()

    async def before(site: Scene) -> None:
        await site.sets(limit_amps=50, source="dso", until=site.later(10 * MINUTE))
        await site.sets(limit_amps=45, source="fleet", until=site.later(DAY))
        assert await site.holds(45) == "fleet"

    async def after(site: Scene) -> None:
        assert await site.holds(20) == "schedule", "any hour may be now"
        await asyncio.sleep(HOUR)
        assert await site.holds(20) == "schedule"
        site.set_clock(0)
        assert await site.holds(45) == "fleet", "what is over is over as soon as the time is known"
        assert (await site.said())[-1:] == ["limit_ended"]

    play(tmp_path, before, more=BY_NIGHT)
    play(tmp_path, after, more=BY_NIGHT, start=WINTER.replace(hour=9), wrong_seconds=behind)


def test_a_clock_set_back_lets_a_limit_hold_longer(tmp_path: Path) -> None:
    async def scene(site: Scene) -> None:
        await site.sets(limit_amps=20, until=site.later(HOUR))
        site.set_clock(-DAY)
        await asyncio.sleep(2 * HOUR)
        assert await site.holds(20) == "api"
        site.set_clock(0)
        await asyncio.sleep(BELIEVED_AFTER_SECONDS)
        assert await site.holds(63) == "installer"

    play(tmp_path, scene)


def test_a_limit_below_the_fuse_that_the_installer_lowered_does_not_raise_it(tmp_path: Path) -> None:
    async def before(site: Scene) -> None:
        await site.sets(limit_amps=50)
        assert await site.holds(50) == "api"

    async def after(site: Scene) -> None:
        assert await site.holds(32) == "installer"

    async def renamed(site: Scene) -> None:
        assert await site.holds(63) == "installer", "the circuit that it was set for is gone"
        tick = site.stage.site.load.tick
        assert tick is not None and tick.picture.limits == ()

    play(tmp_path, before)
    play(tmp_path, after, more=ONE.replace("63", "32"))
    play(tmp_path, renamed, more=ONE.replace("main", "other"))
