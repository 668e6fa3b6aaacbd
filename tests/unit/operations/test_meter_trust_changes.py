"""When a change of a meter's trust is told: after it has lasted, once, and again when writing works again."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from gateway.model.meters import Measured
from gateway.store.database import Database, StoreUnavailable
from tests.fakes.gateway_in_process import running_gateway
from tests.fakes.virtual_site import START, VirtualSite, play
from tests.fakes.virtual_time import World, run_virtual
from tests.simulation.played_day import surroundings

# nobody reads a meter of an unknown model: the test says what it tells
METER = (
    '[[meter]]\nname = "grid"\nmodel = "unknown"\nmay_export = false\n'
    'transport = { type = "tcp", host = "127.0.0.1" }\n'
    '[[circuit]]\nname = "main"\nlimit_amps = 63\nmeter = "grid"\n'
)
GOOD = Measured((10.0, 8.0, 0.5), (230.0, 230.0, 230.0), (2300.0, 1840.0, 115.0), 4255.0)


async def read(scene: VirtualSite, seconds: int, measured: Measured = GOOD, *, still: bool = False) -> None:
    """The meter is read every second, never twice the same unless `still`."""
    for second in range(seconds):
        one, two, three = measured.amps
        assert one is not None
        changed = measured if still else Measured((one + second / 1000, two, three), measured.volts, measured.watts)
        now = asyncio.get_running_loop().time()
        scene.site.meters.succeeded("grid", changed, wall=scene.site.wall_clock(), loop_seconds=now)
        await asyncio.sleep(1)


async def told(scene: VirtualSite) -> list[tuple[str | None, str, float]]:
    """(before, trust, seconds since the start at which it happened) of every change in the journal."""
    rows = await scene.rows("SELECT data, happened_at FROM events WHERE kind = 'meter.trust_changed' ORDER BY id")
    found = []
    for row in rows:
        data = json.loads(row["data"])
        happened = row["happened_at"] / 1e6 - START.timestamp()
        found.append((data["before"], data["trust"], round(happened)))
    return found


def test_each_lasting_change_is_told_once_with_the_time_at_which_it_happened(tmp_path: Path) -> None:
    async def scene(staged: VirtualSite) -> None:
        await read(staged, 60)
        assert [change[:2] for change in await told(staged)] == [(None, "fresh")]
        await asyncio.sleep(100)
        changes = await told(staged)
        assert [trust for _, trust, _ in changes] == ["fresh", "stale", "missing"]
        assert changes[1][2] == pytest.approx(65, abs=1) and changes[2][2] == pytest.approx(90, abs=1)
        assert staged.site.health.components()["meter grid"] is not None
        await read(staged, 10)
        assert (await told(staged))[-1][:2] == ("missing", "fresh") and len(await told(staged)) == 4
        assert staged.site.health.components()["meter grid"] is None

    play(tmp_path, scene, more=METER)


def test_what_does_not_last_is_not_told(tmp_path: Path) -> None:
    async def scene(staged: VirtualSite) -> None:
        await read(staged, 20)
        for _ in range(10):
            await asyncio.sleep(8)  # stale for three seconds
            await read(staged, 7)
        assert [trust for _, trust, _ in await told(staged)] == ["fresh"]

    play(tmp_path, scene, more=METER)


def test_a_frozen_and_a_turned_meter(tmp_path: Path) -> None:
    async def scene(staged: VirtualSite) -> None:
        await read(staged, 80, still=True)
        assert [trust for _, trust, _ in await told(staged)] == ["fresh", "frozen"]
        await read(staged, 10)
        await read(staged, 25, Measured((10.0, -8.0, 0.5), GOOD.volts, GOOD.watts))
        assert [trust for _, trust, _ in await told(staged)] == ["fresh", "frozen", "fresh", "reversed"]

    play(tmp_path, scene, more=METER)


def test_what_could_not_be_written_is_told_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(staged: VirtualSite) -> None:
        tries = []

        async def refuse(database: Database, unit: object) -> None:
            tries.append(unit)
            raise StoreUnavailable("disk full")

        with monkeypatch.context() as full:
            full.setattr(Database, "write", refuse)
            await read(staged, 20)
            assert len(tries) > 10
        await read(staged, 3)
        ((before, trust, happened),) = await told(staged)
        assert (before, trust) == (None, "fresh") and happened <= 1

    play(tmp_path, scene, more=METER)


def test_the_first_seconds_are_no_alarm(tmp_path: Path) -> None:
    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.read()
        finally:
            writer.close()

    async def main(world: World) -> None:
        await asyncio.start_server(say_nothing, "127.0.0.1", 502)
        more = METER.replace("unknown", "dsmr_p1")
        async with running_gateway(tmp_path, more=more, surroundings=surroundings(world)) as running:
            health = running.site.health
            await asyncio.sleep(3)
            assert "meter grid" not in health.components()
            await asyncio.sleep(3)
            assert health.components()["meter grid"] == "missing: no reading yet"
            await asyncio.sleep(20)
            assert health.components()["meter grid"] == "missing: nothing comes on 127.0.0.1:502"

    run_virtual(main, start=START)
