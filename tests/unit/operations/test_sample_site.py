"""Once a minute the means of the site meters and the newest load limits are kept, as events of no station."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from gateway.model.meters import Measured
from gateway.operations.attribute_meter_frames import attribute_all
from gateway.rules.envelopes import envelope_of
from gateway.store import outgoing_events
from gateway.store.database import Database, StoreUnavailable
from tests.fakes.virtual_site import VirtualSite, play
from tests.unit.operations.test_meter_trust_changes import METER, read


async def samples(scene: VirtualSite) -> list[dict[str, Any]]:
    """The samples as fleet managers are told them."""
    events = await scene.site.database.write(lambda db: outgoing_events.after(db, "meter", 0, most=1000))
    told: list[dict[str, Any]] = [envelope_of(event, epoch="e", site="s") for event in events]
    assert {one["type"] for one in told} <= {"ocpp-gateway.site.sample.v1"}
    assert not any("subject" in one for one in told)
    return [one["data"] for one in told]


def test_the_mean_of_each_minute_and_nothing_where_nothing_was_read(tmp_path: Path) -> None:
    async def scene(staged: VirtualSite) -> None:
        await read(staged, 30, Measured((10.0, 8.0, 0.5), (230.0, 230.0, 230.0)))
        await read(staged, 32, Measured((20.0, 8.0, 0.5), (230.0, 230.0, 230.0)))
        (sample,) = await samples(staged)
        (grid,) = sample["meters"]
        assert (grid["meter"], grid["trust"]) == ("grid", "fresh") and 55 <= grid["readings"] <= 60
        assert grid["amps"] == [pytest.approx(15.0, abs=0.2), 8.0, 0.5]
        assert (grid["watts"], grid["total_watts"], grid["energy_import_wh"]) == ([None] * 3, None, None)
        (circuit,) = sample["circuits"]
        assert circuit["circuit"] == "main" and circuit["limit_amps"] == [63, 63, 63]
        assert circuit.keys() == {"circuit", "limit_amps", "measured_amps", "allotted_amps", "mode"}
        assert sample["from"] < sample["to"]
        await asyncio.sleep(120)
        silent = (await samples(staged))[2]["meters"][0]
        assert (silent["trust"], silent["readings"], silent["amps"]) == ("missing", 0, [None] * 3)
        await attribute_all(staged.site)
        assert await staged.rows("SELECT * FROM meter_index") == [], "a sample belongs to no session"

    play(tmp_path, scene, more=METER)


def test_a_reading_counts_once_however_long_it_is_the_newest(tmp_path: Path) -> None:
    async def scene(staged: VirtualSite) -> None:
        for _ in range(16):
            await read(staged, 1, Measured((10.0, 8.0, 0.5), (230.0, 230.0, 230.0)))
            await asyncio.sleep(3)
        assert 14 <= (await samples(staged))[0]["meters"][0]["readings"] <= 16

    play(tmp_path, scene, more=METER)


def test_a_minute_that_cannot_be_stored_is_lost_and_the_next_one_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(database: Database, unit: object) -> None:
        raise StoreUnavailable("disk full")

    async def scene(staged: VirtualSite) -> None:
        with monkeypatch.context() as full:
            full.setattr(Database, "write", refuse)
            await read(staged, 65)
        await read(staged, 60)
        assert len(await samples(staged)) == 1
        assert staged.site.health.components().get("site samples") is None

    play(tmp_path, scene, more=METER)


def test_a_site_without_meters_has_no_samples(tmp_path: Path) -> None:
    async def scene(staged: VirtualSite) -> None:
        await asyncio.sleep(200)
        assert await samples(staged) == []

    play(tmp_path, scene)
