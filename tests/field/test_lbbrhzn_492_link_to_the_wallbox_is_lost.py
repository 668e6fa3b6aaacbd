"""lbbrhzn/ocpp 492: the link to a wallbox was lost, it charged on with its last limit while others were given more, and
the main breaker tripped. Here its room stays reserved, and its own lease brings it down to its fallback.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.fakes.limited_site import HOUR, LimitedSite, story

pytestmark = pytest.mark.slow


def test_a_wallbox_without_a_link_keeps_its_room_and_comes_down_by_itself(tmp_path: Path) -> None:
    async def scene(site: LimitedSite) -> None:
        await site.charging()
        await asyncio.sleep(60)
        lost, other = site.car(1), site.car(2)
        before = max(lost.amps())
        assert before > 12
        await lost.lose_network(2 * HOUR)
        await asyncio.sleep(120)
        assert max(lost.amps()) == before, "nobody can tell it anything"
        assert max(other.amps()) + before <= 40, "and the other one is not given its room"
        assert site.decision(1).binding.source == "fallback"
        took = await site.until(lambda: max(lost.amps()) == 6.0, within=620)
        assert took + 120 <= 620
        await site.until(lambda: max(other.amps()) == 32.0, within=120)
        assert site.judge.longest == 0

    story(tmp_path, scene)


def test_when_the_link_comes_back_it_gets_its_share_again(tmp_path: Path) -> None:
    async def scene(site: LimitedSite) -> None:
        await site.charging()
        await site.car(1).lose_network(1800)
        await site.until(lambda: max(site.car(2).amps()) == 32.0, within=1000)
        await site.until(lambda: max(site.car(1).amps()) > 12.0, within=1200)
        assert site.judge.longest == 0

    story(tmp_path, scene)
