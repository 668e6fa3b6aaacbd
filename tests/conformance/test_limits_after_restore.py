"""An old backup is restored while a car charges below a limit for a time: nothing that holds outside is taken back.

The whole gateway in virtual time; the station knows nothing of it.
"""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

from gateway.model.identities import StationId
from gateway.operations.keep_backups import back_up_offline, restore
from gateway.operations.limits_for_a_time import set_limit
from gateway.operations.send_limits import LimitSender
from tests.fakes.limited_station import LimitedStation
from tests.fakes.virtual_network import FIRST_FREE_PORT
from tests.fakes.virtual_site import VirtualSite, play

SITE = (
    '[[circuit]]\nname = "main"\nlimit_amps = 63\n[[station]]\nid = "CP-1"\ncircuit = "main"\nmax_amps = 32\n'
    'phase_rotation = "123"\n'
)
CP = StationId("CP-1")


async def plugged_in(stage: VirtualSite) -> LimitedStation:
    station = LimitedStation(
        f"ws://127.0.0.1:{FIRST_FREE_PORT}/ocpp/CP-1",
        stage.world.clock.true_time,
        settings={"ChargeProfileMaxStackLevel": "8", "NumberOfConnectors": "1"},
    )
    await station.boot()
    return station


async def reaches(station: LimitedStation, least: float, most: float) -> float:
    """Wait until its limit lies between these; the limit."""
    for _ in range(300):
        await asyncio.sleep(1)
        limit = station.allowed()
        if limit is not None and least <= limit <= most:
            return limit
    raise AssertionError(f"{station.allowed()} A")


def test_a_restored_backup_lifts_no_limit_and_its_ledger_is_not_believed(tmp_path: Path) -> None:
    session = 0

    async def before(stage: VirtualSite) -> None:
        nonlocal session
        site, copy = stage.site, tmp_path / "copy.db"
        station = await plugged_in(stage)
        session = await station.charge()
        await reaches(station, 32, 32)
        back_up_offline(site.configuration, copy)
        await set_limit(site, "main", {"limit_amps": 10, "source": "dso"}, actor="test")
        low = await reaches(station, 8, 10)
        shutil.copy(copy, tmp_path / "passing.db")
        await restore(site, tmp_path / "passing.db", actor="test")
        assert await stage.rows("SELECT * FROM fallback_profiles") == []
        held = {row["amps"] for row in await stage.rows("SELECT amps FROM limits_sent")}
        assert held == {low}, "what is in force, not what was when the backup was made"
        await station.connect()
        for _ in range(120):
            await asyncio.sleep(1)
            assert station.allowed() in (low, 6.0)
        assert station.allowed() == low
        await station.disconnect()

    async def after(stage: VirtualSite) -> None:
        sender = LimitSender(stage.site)
        await sender.begin()
        facts = sender.lease_of(CP, 1, session)
        assert facts is not None and facts.accepted_amps is None
        assert facts.pending_amps is not None and 8 <= facts.pending_amps <= 10
        await asyncio.sleep(5)
        tick = stage.site.load.tick
        assert tick is not None and tick.decision.circuits[0].source == "dso"

    play(tmp_path, before, more=SITE)
    play(tmp_path, after, more=SITE)
