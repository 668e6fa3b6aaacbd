"""A day of the machine's clock in virtual time: never set, set by years, kept, left alone, restarted."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gateway.operations.site import Site
from tests.fakes.gateway_in_process import running_gateway
from tests.fakes.virtual_site import VirtualSite, play
from tests.fakes.virtual_time import World, run_virtual
from tests.simulation.played_day import surroundings
from tests.unit.store.opened_database import tells

HOUR = 3600.0


async def something_happens(site: Site) -> None:
    """Let time pass for the watch, then an event that carries what it noted."""
    await asyncio.sleep(60)
    await site.database.write(tells(1))


async def states(site: VirtualSite) -> list[tuple[str, int]]:
    rows = await site.rows("SELECT quality, error_ms FROM clock_states ORDER BY since_event_id")
    return [(row["quality"], row["error_ms"]) for row in rows]


async def steps(site: VirtualSite) -> list[dict[str, Any]]:
    return await site.rows("SELECT id, data ->> 'step_ms' AS ms, data FROM events WHERE kind = 'clock.stepped'")


def test_a_clock_that_is_kept_is_noted_once(tmp_path: Path) -> None:
    async def scene(site: VirtualSite) -> None:
        await asyncio.sleep(HOUR)
        assert await states(site) == [("synced", 5)]
        (row,) = await site.rows("SELECT since_event_id, boot_id FROM clock_states")
        assert row == {"since_event_id": 1, "boot_id": "0123abcd"}, "before the first event"
        assert await steps(site) == []
        assert "clock" not in site.site.health.notices()

    play(tmp_path, scene)


def test_a_controller_without_battery_clock_is_set_by_the_network(tmp_path: Path) -> None:
    async def scene(site: VirtualSite) -> None:
        clock = site.world.clock
        clock.synchronised, clock.max_error_us = False, 16_000_000
        await something_happens(site.site)
        assert site.site.clock_quality().quality == "holdover", "it was kept when the gateway started"
        assert "any longer" in site.site.health.notices()["clock"]
        clock.boot_id, site.site.clock_quality.last_synced = "22222222", None
        await something_happens(site.site)
        assert site.site.clock_quality().quality == "unsynced"
        assert "since the machine started" in site.site.health.notices()["clock"]
        before = clock.micros()
        clock.step(3600)
        clock.synchronised, clock.max_error_us = True, 40_000
        await asyncio.sleep(15)
        (step,) = await steps(site)
        assert step["ms"] == 3_600_000
        assert '"quality":"synced"' in step["data"]
        assert await states(site) == [("synced", 5), ("holdover", 16_000), ("unsynced", 16_000), ("synced", 40)]
        (row,) = await site.rows("SELECT max(since_event_id) AS since FROM clock_states")
        assert row["since"] == step["id"], "the event itself is of the new time"
        (told,) = await site.rows("SELECT data ->> 'before' AS before, data ->> 'after' AS after FROM events"
                                  " WHERE kind = 'clock.stepped'")  # fmt: skip
        span = datetime.fromisoformat(told["after"]) - datetime.fromisoformat(told["before"])
        assert span.total_seconds() == 3600
        late = datetime.fromisoformat(told["before"]) - datetime.fromtimestamp(before / 1e6, UTC)
        assert 0 <= late.total_seconds() <= 11

    play(tmp_path, scene)


def test_the_error_is_noted_when_it_doubles_and_when_it_has_long_been_small(tmp_path: Path) -> None:
    async def scene(site: VirtualSite) -> None:
        clock = site.world.clock
        for millis in (9, 12, 20, 24, 1000):
            clock.max_error_us = millis * 1000
            await something_happens(site.site)
        assert [error for _, error in await states(site)] == [5, 12, 24, 1000]
        clock.max_error_us = 30_000
        await asyncio.sleep(0.9 * HOUR)
        clock.max_error_us = 700_000
        await asyncio.sleep(20)
        clock.max_error_us = 30_000
        await asyncio.sleep(0.9 * HOUR)
        assert [error for _, error in await states(site)] == [5, 12, 24, 1000], "it was not small for a whole hour"
        await asyncio.sleep(0.2 * HOUR)
        assert [error for _, error in await states(site)] == [5, 12, 24, 1000, 30]

    play(tmp_path, scene)


def test_holdover_grows_and_survives_a_restart_of_the_gateway(tmp_path: Path) -> None:
    async def main(world: World) -> None:
        async with running_gateway(tmp_path, surroundings=surroundings(world)):
            await asyncio.sleep(60)
        world.clock.synchronised, world.clock.max_error_us = False, 0
        async with running_gateway(tmp_path, surroundings=surroundings(world)) as running:
            assert running.site.clock_quality().quality == "holdover"
            await asyncio.sleep(HOUR)
            assert 1800 <= running.site.clock_quality().error_ms <= 1820
            site = VirtualSite(world, running, tmp_path)
            assert [quality for quality, _ in await states(site)][:2] == ["synced", "holdover"]
            assert (await states(site))[-1][1] >= 900
            assert len(await states(site)) <= 12
            assert await steps(site) == []
        world.clock.boot_id = "44444444"
        async with running_gateway(tmp_path, surroundings=surroundings(world)) as running:
            assert running.site.clock_quality().quality == "unsynced"
            assert "since the machine started" in running.site.health.notices()["clock"]

    run_virtual(main, start=datetime(2027, 1, 15, 8, tzinfo=UTC))
