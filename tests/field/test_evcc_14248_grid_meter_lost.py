"""evcc 14248: the grid meter was lost and the charger kept 3 x 16 A, whatever else was switched on in the building.
Here a missing meter counts with the worst load that the installer wrote down: limits come down within half a minute.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.fakes.limited_site import LimitedSite, story

pytestmark = pytest.mark.slow


def test_without_the_meter_limits_come_down_to_the_worst_case_at_once(tmp_path: Path) -> None:
    async def scene(site: LimitedSite) -> None:
        site.building = (8.0, 8.0, 8.0)
        await site.charging()
        await site.until(lambda: max(site.total()) > 33, within=120)
        site.meter.mute = True
        await asyncio.sleep(45)
        assert max(site.total()) - 8.0 <= 20.0, "20 A may be drawn by others now, as nobody measures it"
        site.building = (20.0, 20.0, 20.0)
        await asyncio.sleep(600)
        assert site.judge.longest == 0
        assert min(max(car.amps()) for car in site.cars) >= 6.0, "and cars charge on"
        tick = site.running.site.load.tick
        assert tick is not None and tick.decision.circuits[0].mode == "bound"
        site.meter.mute, site.building = False, (2.0, 2.0, 2.0)
        await site.until(lambda: max(site.total()) > 33, within=180)

    story(tmp_path, scene, metered=True)
