"""TC_074 to its end: the station comes back over TLS with the certificate that it was sent, and that one is its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance.secured_site import boots, put, secured
from tests.conformance.site_under_test import Bench
from tests.fakes.certificate_maker import Authority, Pair
from tests.fakes.openssl_workshop import Workshop
from tests.fakes.scripted_station import ScriptedStation

ACCEPTED = {"status": "Accepted"}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority") / "root")


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    folder = tmp_path / "workshop"
    folder.mkdir()
    return Workshop(folder)


async def renews(
    gateway: Bench, station: ScriptedStation, workshop: Workshop, *, name: str, kind: str = "rsa:2048"
) -> Pair:
    """ExtendedTriggerMessage to CertificateSigned, accepted: the new certificate and its key."""
    wanted = {"requestedMessage": "SignChargePointCertificate"}
    got, _ = await gateway.sends(station, "ExtendedTriggerMessage", wanted, answered=ACCEPTED)
    assert got == wanted
    key = workshop.key(kind)
    request = workshop.request(f"/O=Any operator/CN={name}", key)
    assert await station.say("SignCertificate", {"csr": request}) == ACCEPTED
    chain = str((await station.expect("CertificateSigned"))["certificateChain"])
    await station.answer(ACCEPTED)
    return Pair(workshop.file(chain), key)


@pytest.mark.case("TC_074_CSMS")
@pytest.mark.parametrize("kind", ["rsa:2048", "ec:prime256v1"])
@pytest.mark.parametrize(
    ("name", "plate"),
    [
        ("CP-1", {}),
        ("SN-0001", {"chargePointSerialNumber": "SN-0001"}),
        ("SN-0002", {"chargeBoxSerialNumber": "SN-0002"}),
        ("SN-NEVER-TOLD", {}),  # in a BootNotification the serial number is optional
    ],
)
async def test_tc_074_csms_the_new_connection_with_the_new_certificate(
    tmp_path: Path, authority: Authority, workshop: Workshop, name: str, plate: dict[str, str], kind: str
) -> None:
    first = authority.client_context(authority.issue("CP-1"))
    async with secured(tmp_path, authority, 3) as gateway:
        async with gateway.station(tls=first) as station:
            assert (await station.boots(**plate))["status"] == "Accepted"
            pair = await renews(gateway, station, workshop, name=name, kind=kind)
        async with gateway.station(tls=authority.client_context(pair)) as station:
            await boots(station)
            proof = gateway.connection().proof
            assert proof.profile == 3 and proof.certificate is not None and proof.certificate.common_name == name
    async with secured(tmp_path, authority, 3) as gateway, gateway.station(tls=authority.client_context(pair)):
        pass  # also after a restart


async def test_rule_2_9_6_a_certificate_that_was_issued_here_is_its_stations_alone(
    tmp_path: Path, authority: Authority, workshop: Workshop
) -> None:
    """Also when another station gets its common name as identity later, or had it told as its serial number."""
    async with secured(tmp_path, authority, 3) as gateway:
        await put(gateway, "CP-2", {"security_profile": 3})
        async with gateway.station(tls=authority.client_context(authority.issue("CP-1"))) as station:
            await boots(station)
            pair = await renews(gateway, station, workshop, name="CP-LATER")
        shown = authority.client_context(pair)
        assert await gateway.refusal("CP-2", tls=shown) == 403
        await put(gateway, "CP-LATER", {"security_profile": 3})
        assert await gateway.refusal("CP-LATER", tls=shown) == 403
        async with gateway.station("CP-2", tls=authority.client_context(authority.issue("CP-2"))) as other:
            assert (await other.boots(chargePointSerialNumber="CP-LATER"))["status"] == "Accepted"
        assert await gateway.refusal("CP-2", tls=shown) == 403
        async with gateway.station(tls=shown):
            pass
