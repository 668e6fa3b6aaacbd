"""evcc 22839: one failed reading of the meter, and the charger jumped to its maximum. Here what cannot be read, or
cannot be true, never raises a limit.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.fakes.limited_site import LimitedSite, story

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("nonsense", [(0.0, 0.0, 0.0), (900.0, -900.0, 900.0), (float("nan"),) * 3])
def test_a_reading_that_is_wrong_or_missing_raises_no_limit(
    tmp_path: Path, nonsense: tuple[float, float, float]
) -> None:
    async def scene(site: LimitedSite) -> None:
        site.building = (15.0, 15.0, 15.0)
        await site.charging()
        await asyncio.sleep(60)
        before = [max(car.amps()) for car in site.cars]
        truth = site.meter.shows
        for _ in range(10):
            site.meter.shows = lambda: nonsense
            await asyncio.sleep(1.2)
            site.meter.shows, site.meter.mute = truth, True
            await asyncio.sleep(2)
            site.meter.mute = False
            await asyncio.sleep(20)
            assert all(max(car.amps()) <= was + 1e-6 for car, was in zip(site.cars, before, strict=True))
        assert site.judge.longest == 0

    story(tmp_path, scene, metered=True)
