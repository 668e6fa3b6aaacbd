"""Security events of refusals: told once in a while, counted always, bounded whatever comes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from gateway.model.identities import StationId
from gateway.model.instants import SECOND, Instant
from gateway.operations.site import Site
from gateway.operations.tell_refusals import Refusals
from gateway.rules.security_profiles import Refused
from gateway.stations.tls import HandshakeFailure
from tests.unit.web.conftest import NOON, configuration_in, open_site

WRONG = Refused(401, "wrong password", "FailedToAuthenticateAtCentralSystem")
CP1 = StationId("CP-1")


async def told(site: Site) -> list[tuple[str | None, str, str, str]]:
    await site.database.write(lambda db: None)
    rows = await site.readers.rows("SELECT station, type, tech_info, address FROM security_events ORDER BY id")
    return [tuple(row) for row in rows]


def counted(site: Site) -> dict[str, float]:
    return {
        labels[0][1]: value
        for name, labels, value in site.health.counters.snapshot()
        if name == "connections_refused_total"
    }


async def test_the_same_refusal_is_told_a_few_times_and_then_once_in_a_while(tmp_path: Path) -> None:
    clock = [NOON]
    async with open_site(configuration_in(tmp_path)) as opened:
        site = replace(opened, wall_clock=lambda: clock[0])
        refusals = Refusals(site)
        for _ in range(100):
            refusals.login(CP1, "192.0.2.7", WRONG)
        clock[0] = Instant(NOON + 601 * SECOND)
        refusals.login(CP1, "192.0.2.8", WRONG)
        refusals.login(StationId("CP-2"), "192.0.2.8", WRONG)
        assert await told(site) == [
            *[("CP-1", WRONG.event, "wrong password", "192.0.2.7")] * 5,
            ("CP-1", WRONG.event, "wrong password (96 times since it was last told)", "192.0.2.8"),
            ("CP-2", WRONG.event, "wrong password", "192.0.2.8"),
        ]
        assert counted(site) == {WRONG.event: 102}
        clock[0] = NOON  # the clock was set back
        refusals.login(CP1, "192.0.2.7", WRONG)
        assert len(await told(site)) == 8


async def test_a_storm_from_everywhere_fills_neither_disk_nor_memory(tmp_path: Path) -> None:
    async with open_site(configuration_in(tmp_path)) as site:
        refusals = Refusals(site)
        before = site.database.path.stat().st_size
        for number in range(50_000):
            address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
            refusals.handshake(HandshakeFailure(address, "CERTIFICATE_VERIFY_FAILED", "self-signed certificate"))
            refusals.handshake(HandshakeFailure(address, "hung up"))
        assert len(await told(site)) == 100
        assert counted(site) == {"InvalidChargePointCertificate": 50_000, "hung up": 50_000}
        assert len(refusals._told) <= 1000
        refusals.login(CP1, "192.0.2.7", WRONG)
        assert (await told(site))[-1][0] == "CP-1"
        assert site.database.path.stat().st_size - before < 200_000
