"""go-e API-v2 217: after its WebSocket came back, the charger had forgotten the profile and went on at full speed. Here
limits are sent again at each reconnect, before anything else.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.fakes.limited_site import LimitedSite, story

pytestmark = pytest.mark.slow


def test_a_station_that_forgets_its_profiles_at_a_reconnect_has_them_back_within_seconds(tmp_path: Path) -> None:
    async def scene(site: LimitedSite) -> None:
        forgetful = site.car(1)
        forgetful.forgets_at_reconnect = True
        await site.charging()
        await asyncio.sleep(60)
        limit = max(forgetful.amps())
        await forgetful.lose_network(20)
        await site.until(lambda: max(forgetful.amps()) == 32.0, within=5)  # as in the report
        await site.until(lambda: forgetful.connected, within=60)
        took = await site.until(lambda: max(forgetful.amps()) <= limit, within=15)
        assert took <= 10
        assert {"TxDefaultProfile", "TxProfile"} <= {
            str(one.profile["chargingProfilePurpose"]) for one in forgetful.profiles.held
        }, "also what holds without the gateway"

    story(tmp_path, scene)
