"""A site that no longer fits starts all the same: it charges, with lower fallbacks, and says so; virtual time."""

from __future__ import annotations

from pathlib import Path

from gateway.model.identities import StationId
from gateway.operations.plan_site import SitePlan, find_plan
from gateway.operations.provision_stations import Provisioned, put_station
from tests.fakes.virtual_site import VirtualSite, play

CIRCUIT = '[[circuit]]\nname = "main"\nlimit_amps = {}\n'


async def planned(site: VirtualSite) -> SitePlan:
    return await site.site.database.write(lambda db: find_plan(db, site.site, {}))


def test_a_lower_limit_in_the_file_lowers_the_fallbacks_of_run_time_stations(tmp_path: Path) -> None:
    async def provisions(site: VirtualSite) -> None:
        for name in ("CP-1", "CP-2", "CP-3"):
            fields = {"circuit": "main", "priority": 0 if name == "CP-3" else 1}
            assert await put_station(site.site, name, fields, actor="test") == Provisioned(True)
        assert (await planned(site)).lowered == ()

    async def starts_again(site: VirtualSite) -> None:
        plan = await planned(site)
        assert plan.lowered == ("CP-3/1",)
        assert "18 A and exceed 16 A" in plan.check.text and plan.check.text in plan.notes
        station = site.station("CP-3")
        await station.boot()
        assert site.site.connected.is_connected(StationId("CP-3"))

    play(tmp_path, provisions, more=CIRCUIT.format(18))
    play(tmp_path, starts_again, more=CIRCUIT.format(16))
