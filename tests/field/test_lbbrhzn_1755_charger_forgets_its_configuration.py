"""lbbrhzn/ocpp 1755: the charger forgets its configuration when it loses power, and nobody tells it again.

Here wanted keys are compared after each boot and set again where they differ: each once, and nothing else.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.fakes.keyed_station import usual_keys
from tests.fakes.virtual_site import HOUR, MINUTE, VirtualSite, play, wants


def test_what_a_power_cut_wiped_out_is_set_again_after_the_boot(tmp_path: Path) -> None:
    async def scene(site: VirtualSite) -> None:
        station = site.station()
        for boots in range(1, 6):
            station.keys = usual_keys()  # as it left the factory
            await station.boot()
            await asyncio.sleep(MINUTE)
            assert station.changes() == [("HeartbeatInterval", "600")] * boots
            assert station.keys["HeartbeatInterval"]["value"] == "600"
            await asyncio.sleep(5 * HOUR)
        assert len(station.changes()) == 5
        assert await site.drift() == {}

    play(tmp_path, scene, ocpp="idle_timeout_seconds = 604800", more=wants(HeartbeatInterval="600"))


def test_what_it_remembers_is_not_written_again(tmp_path: Path) -> None:
    async def scene(site: VirtualSite) -> None:
        station = site.station()
        for _ in range(5):
            await station.boot()
            await asyncio.sleep(5 * HOUR)
        assert len(station.changes()) == 1

    play(tmp_path, scene, ocpp="idle_timeout_seconds = 604800", more=wants(HeartbeatInterval="600"))
