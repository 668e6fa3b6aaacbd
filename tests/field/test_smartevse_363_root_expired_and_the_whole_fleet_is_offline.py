"""SmartEVSE-3.5#363: the backend's root certificate expired, and every charger, of every maker, was offline at once.

Here the end of everything that ends is told weeks before, in the health report, on the command line and to measuring
programs. A new root can be brought to the stations while the former one still counts: the gateway shows a chain that
stations with either of them believe. What ended keeps nothing but itself from working.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.model.instants import SECOND
from gateway.operations.watch_certificates import report_ends
from gateway.pki.server_certificates import ensure_server_certificates
from tests.conformance.site_under_test import Bench
from tests.fakes.openssl_workshop import Workshop
from tests.field.stage import Operator, site


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    folder = tmp_path / "workshop"
    folder.mkdir()
    return Workshop(folder)


def at(year: int, month: int = 1, day: int = 1) -> int:
    """A moment in seconds."""
    return int(datetime(year, month, day, tzinfo=UTC).timestamp())


def set_clock(gateway: Bench, year: int, month: int = 1, day: int = 1) -> None:
    gateway.clock.now = at(year, month, day) * SECOND


async def root_of(operator: Operator) -> str:
    async with operator.session.get("/api/v1/pki/authority") as answer:
        assert answer.status == 200
        return await answer.text()


async def health(operator: Operator) -> str | None:
    async with operator.session.get("/healthz") as answer:
        document = await answer.json()
        told = document["components"].get("certificates ending", {})
        assert answer.status == (200 if told.get("reason") is None else 503)
        return told.get("reason") or told.get("notice")


def chains(gateway: Bench, year: int) -> list[str]:
    """What the gateway shows to stations."""
    directory = gateway.site.configuration.data.directory / "pki"
    pairs = ensure_server_certificates(directory, ["gateway.example"], datetime(year, 1, 1, tzinfo=UTC))
    return [chain.read_text() for chain, _ in pairs]


async def test_the_end_of_the_root_is_told_long_before_and_a_new_one_loses_no_station(
    gateway: Bench, operator: Operator, workshop: Workshop
) -> None:
    first = await root_of(operator)  # made in January 2027, ends at the end of 2056
    await report_ends(gateway.site)
    assert await health(operator) is None

    set_clock(gateway, 2056, 11, 1)
    await report_ends(gateway.site)
    assert "site authority 1" in str(await health(operator)) and "ends on 2057-01-07" in str(await health(operator))
    async with operator.session.get("/metrics") as answer:
        lines = [line for line in (await answer.text()).splitlines() if "expiry_timestamp" in line]
    assert any('kind="authority"' in line and line.endswith(f" {at(2057, 1, 7) + 8 * 3600}") for line in lines)
    warned = [one for one in (await operator.get("/pki"))["certificates"] if one["warning"]]
    assert {one["kind"] for one in warned} == {"authority"} and warned[0]["days_left"] == 67

    async with operator.session.post("/api/v1/pki/authority/renew") as answer:
        assert answer.status == 200
    second = await root_of(operator)
    for chain in chains(gateway, 2056):
        before, after = at(2056, 12, 24), at(2058)
        assert workshop.verifies(chain, trusting=first, at=before), "a station that nobody has visited yet"
        assert workshop.verifies(chain, trusting=second, at=before), "a station that has the new root"
        assert workshop.verifies(chain, trusting=first + second, at=before), "one that has both"
        assert workshop.verifies(chain, trusting=second, at=after)
        assert workshop.verifies(chain, trusting=first + second, at=after)
        assert not workshop.verifies(chain, trusting=first, at=after)


async def test_an_expired_root_is_replaced_and_stations_come_back_with_the_new_one(
    gateway: Bench, operator: Operator, workshop: Workshop
) -> None:
    """Nobody looked for thirty years. The gateway itself runs on; what it needs is one command and the new root."""
    await root_of(operator)
    set_clock(gateway, 2060)
    await report_ends(gateway.site)
    assert "ended on 2057-01-07" in str(await health(operator))
    async with gateway.station() as station:  # without TLS, or with an operator's certificate
        assert (await station.boots())["status"] == "Accepted"
    async with operator.session.post("/api/v1/pki/authority/renew") as answer:
        assert answer.status == 200
    root = await root_of(operator)
    assert all(workshop.verifies(chain, trusting=root, at=at(2061)) for chain in chains(gateway, 2060))
    await report_ends(gateway.site)
    assert await health(operator) is None  # the former one has long been over


async def test_every_file_and_every_station_is_watched(tmp_path: Path, workshop: Workshop) -> None:
    key = workshop.key("ec:prime256v1")
    server, client_ca = workshop.file(workshop.root("/CN=gw", key)), workshop.file(workshop.root("/CN=ca", key))
    tls = (
        f'[ocpp.tls]\nport = 0\ncertificates = [{{ chain = "{server}", key_file = "{key}" }}]\n'
        f'client_ca = "{client_ca}"\n'
    )
    async with site(tmp_path, more=f'[[station]]\nid = "CP-1"\n{tls}') as (gateway, operator):
        body = {"station": "CP-1"}
        async with operator.session.post("/api/v1/pki/station-certificates", json=body) as answer:
            assert answer.status == 201
        async with gateway.station() as station:
            await station.boots()
            wanted = {"certificateType": "CentralSystemRootCertificate", "certificate": client_ca.read_text()}
            await gateway.sends(station, "InstallCertificate", wanted, answered={"status": "Accepted"})
        found = (await operator.get("/pki"))["certificates"]
        assert {one["kind"] for one in found} == {"authority", "server", "client_ca", "station", "installed"}
        assert not [one for one in found if one["warning"]]
        set_clock(gateway, 2040)
        warned = (await operator.get("/pki"))["certificates"]
        assert {one["kind"] for one in warned if one["warning"]} == {"server", "client_ca", "station", "installed"}
        client_ca.unlink()
        (missing,) = [one for one in (await operator.get("/pki"))["certificates"] if one["kind"] == "client_ca"]
        assert "not readable" in missing["warning"]


async def test_a_site_without_certificates_has_nothing_to_watch(tmp_path: Path) -> None:
    async with site(tmp_path) as (gateway, operator):
        await report_ends(gateway.site)
        assert await operator.get("/pki") == {"authority": None, "certificates": []}
        assert not (gateway.site.configuration.data.directory / "pki").exists()
