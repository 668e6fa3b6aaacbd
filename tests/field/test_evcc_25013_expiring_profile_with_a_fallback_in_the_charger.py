"""evcc 25013: always leave an expiring profile with a fallback in the charger, so that a dead controller is a safe one.
Here each limit is a lease that the station ends by itself, whatever becomes of the gateway.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.simulated_charging import Held
from tests.fakes.limited_site import LimitedSite, story

pytestmark = pytest.mark.slow


def test_every_limit_above_the_fallback_ends_in_the_fallback_within_ten_minutes(tmp_path: Path) -> None:
    async def scene(site: LimitedSite) -> None:
        await site.charging()
        await asyncio.sleep(700)
        for car in site.cars:
            (lease,) = [held for held in car.profiles.held if purpose(held) == "TxProfile"]
            first, second = periods(lease)
            assert first["limit"] > 12 and second["limit"] == 6
            assert second["startPeriod"] <= 60 + 600
            assert "duration" not in lease.profile["chargingSchedule"], "where nothing is valid, a station opens"  # type: ignore[operator]
        for car in site.cars:
            await car.lose_network(7200)  # the gateway is dead to them
        await site.until(lambda: all(max(car.amps()) == 6.0 for car in site.cars), within=601)
        await asyncio.sleep(3000)
        assert all(max(car.amps()) == 6.0 for car in site.cars)
        assert site.judge.longest == 0

    story(tmp_path, scene)


def purpose(held: Held) -> str:
    return str(held.profile["chargingProfilePurpose"])


def periods(held: Held) -> list[dict[str, float]]:
    return held.profile["chargingSchedule"]["chargingSchedulePeriod"]  # type: ignore[index,no-any-return]
