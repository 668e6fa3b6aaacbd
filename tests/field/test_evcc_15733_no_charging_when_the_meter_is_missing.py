"""evcc 15733: with the grid meter gone nothing charged at all, and that was declared to be right. Here what is left
beside the worst other load is still given to cars, also when the meter was never there since the start.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.limited_site import LimitedSite, story

pytestmark = pytest.mark.slow


def test_cars_charge_with_what_is_certainly_free(tmp_path: Path) -> None:
    async def scene(site: LimitedSite) -> None:
        await site.charging(at_least=8.0, within=240)
        assert site.judge.longest == 0
        assert max(site.total()) <= 20.0, "half the fuse is kept for others, as the installer wrote nothing else"
        alarms = [alarm.kind for alarm in site.running.site.load.tick.decision.alarms]  # type: ignore[union-attr]
        assert "meter_missing" in alarms

    story(tmp_path, scene, metered=True, mute=True)
