"""evcc 8018: after a power outage the cars charged at full load before the controller was up. Here the stations hold
profiles of their own through the outage: nothing is drawn above the fallback until the gateway says so.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.store import fallback_profiles
from tests.fakes.limited_site import LimitedSite, story

pytestmark = pytest.mark.slow


def test_after_a_power_outage_nothing_is_drawn_above_the_fallback_until_the_gateway_says_so(tmp_path: Path) -> None:
    async def scene(site: LimitedSite) -> None:
        await site.charging()
        held = await site.running.site.database.write(fallback_profiles.every)
        assert len(held) == 2, "both hold a profile for the time without the gateway"
        for car in site.cars:
            await car.power_off()
        await asyncio.sleep(300)
        for car in site.cars:
            car.power_on()
        most = 0.0
        for car in site.cars:
            await site.until(lambda car=car: bool(car.outlets) and car.connected, within=60)  # type: ignore[misc]
            car.plug_in()
        for _ in range(120):
            await asyncio.sleep(1)
            most = max(most, max(site.total()))
        assert most <= 40.0 and site.judge.longest == 0
        await site.charging(at_least=12.0)

    story(tmp_path, scene)


def test_a_car_that_begins_before_the_gateway_is_there_waits_and_then_has_the_fallback(tmp_path: Path) -> None:
    async def scene(site: LimitedSite) -> None:
        await site.charging()
        for car in site.cars:
            car.end(1)
        await site.until(lambda: max(site.total()) == 0.0, within=60)
        await asyncio.sleep(60)
        for car in site.cars:
            await car.lose_network(3600)
            car.settings.answer_change({"key": "AllowOfflineTxForUnknownId", "value": "true"})
            car.plug_in()
        await asyncio.sleep(1100)
        assert max(site.total()) == 0.0, "as long as an earlier limit may hold elsewhere"
        await site.until(lambda: all(max(car.amps()) == 6.0 for car in site.cars), within=300)
        assert site.judge.longest == 0

    story(tmp_path, scene)
