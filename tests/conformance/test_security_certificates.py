"""Certification cases of the security extension about certificates; openssl is the judge.

Here TC_074 is played up to the answer to CertificateSigned, on whichever connection the station has; the new mTLS
connection that ends it is in test_security_renewal.py.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from gateway.pki.trust import trusted_client_authorities
from tests.conformance.site_under_test import CERTIFICATION, Bench, bench
from tests.fakes.openssl_workshop import Workshop, blocks, openssl, public_key_of, text_of
from tests.fakes.scripted_station import NOW, ScriptedStation

ACCEPTED = {"status": "Accepted"}
SIGNED_WITH = {"rsa": "sha256WithRSAEncryption", "ecdsa": "ecdsa-with-SHA256"}


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    folder = tmp_path / "workshop"
    folder.mkdir()
    return Workshop(folder)


async def asks_for_certificate(gateway: Bench, station: ScriptedStation, request: str) -> str:
    """Steps 1 to 5 of TC_074: the chain that the station is sent; it has not answered yet."""
    wanted = {"requestedMessage": "SignChargePointCertificate"}
    got, outcome = await gateway.sends(station, "ExtendedTriggerMessage", wanted, answered=ACCEPTED)
    assert (got, outcome.response) == (wanted, ACCEPTED)
    assert await station.say("SignCertificate", {"csr": request}) == ACCEPTED
    return str((await station.expect("CertificateSigned"))["certificateChain"])


def judge(gateway: Bench, workshop: Workshop, chain: str, request: str, *, algorithm: str) -> None:
    """What the certification tool looks at, and what a TLS door would."""
    assert "\r" not in chain and "%0A" not in chain and chain.endswith("-----END CERTIFICATE-----\n")
    leaf, issuer = blocks(chain)
    assert leaf + issuer == chain
    words = text_of(leaf)
    assert words.count(f"Signature Algorithm: {SIGNED_WITH[algorithm]}") == 2  # and not rsassaPss
    assert "Version: 3" in words
    assert "CN = SN-0001" in words
    assert public_key_of(leaf) == workshop.public_key_of_request(request)
    directory = gateway.site.configuration.data.directory / "pki"
    trusted = trusted_client_authorities(directory, None)
    assert workshop.verifies(leaf, trusting=trusted, purpose="sslclient", at=1_800_000_000)
    assert workshop.verifies(chain, trusting=trusted, purpose="sslclient", at=100)  # a clock that was never set
    assert not workshop.verifies(leaf, trusting=trusted, purpose="sslserver", at=1_800_000_000)
    assert not workshop.verifies(leaf, trusting=trusted, at=2_100_000_000)  # after its end


@pytest.mark.case("TC_074_CSMS")
@pytest.mark.parametrize(
    ("key", "configured", "algorithm"),
    [
        ("rsa:2048", "as_key", "rsa"),
        ("ec:prime256v1", "as_key", "ecdsa"),
        ("ec:secp384r1", "rsa", "rsa"),
        ("rsa:3072", "ecdsa", "ecdsa"),
    ],
)
async def test_tc_074_csms_renew_charge_point_certificate(
    tmp_path: Path, workshop: Workshop, key: str, configured: str, algorithm: str
) -> None:
    async with (
        bench(tmp_path, ocpp=f'{CERTIFICATION}\ncertificate_signatures = "{configured}"') as gateway,
        gateway.station() as station,
    ):
        assert (await station.boots(chargePointSerialNumber="SN-0001"))["status"] == "Accepted"
        request = workshop.request("/CN=SN-0001", workshop.key(key))
        chain = await asks_for_certificate(gateway, station, request)
        await station.answer(ACCEPTED)
        judge(gateway, workshop, chain, request, algorithm=algorithm)
        settled = await gateway.eventually_event("certificate.settled")
        assert settled["state"] == "accepted"
        (row,) = await gateway.rows("SELECT * FROM issued_certificates")
        assert (row["state"], row["common_name"], row["chain"]) == ("accepted", "SN-0001", chain)
        assert f"serial={row['serial_number']}" in _serial(chain)


@pytest.mark.case("TC_077_CSMS")
async def test_tc_077_csms_invalid_charge_point_certificate(
    gateway: Bench, station: ScriptedStation, workshop: Workshop
) -> None:
    first = workshop.request("/CN=SN-0001", workshop.key())
    before = await asks_for_certificate(gateway, station, first)
    await station.answer(ACCEPTED)
    second = workshop.request("/CN=SN-0001", workshop.key())
    chain = await asks_for_certificate(gateway, station, second)
    await station.answer({"status": "Rejected"})
    judge(gateway, workshop, chain, second, algorithm="rsa")
    told = {"type": "InvalidChargePointCertificate", "timestamp": NOW}
    assert await station.say("SecurityEventNotification", told) == {}
    rows = await gateway.rows("SELECT chain, state FROM issued_certificates ORDER BY certificate_id")
    assert [(row["chain"], row["state"]) for row in rows] == [(before, "accepted"), (chain, "refused")]


def _serial(chain: str) -> str:
    return openssl("x509", "-noout", "-serial", given=chain).lower().replace("=0", "=")


async def installs(gateway: Bench, station: ScriptedStation, kind: str, root: str, answered: object) -> None:
    wanted = {"certificateType": kind, "certificate": root}
    got, outcome = await gateway.sends(station, "InstallCertificate", wanted, answered=answered)
    assert (got, outcome.response, outcome.warning) == (wanted, answered, None)


async def tells_installed(gateway: Bench, station: ScriptedStation, kind: str, hash_data: list[dict[str, str]]) -> None:
    wanted = {"certificateType": kind}
    answered = {**ACCEPTED, "certificateHashData": hash_data}
    got, outcome = await gateway.sends(station, "GetInstalledCertificateIds", wanted, answered=answered)
    assert (got, outcome.response) == (wanted, answered)


def hash_data_of(workshop: Workshop, root: str, algorithm: str) -> dict[str, str]:
    """How a station names a self-signed certificate, in letters of both cases."""
    der = openssl("x509", "-noout", "-serial", given=root)
    name = hashlib.new(algorithm.lower(), b"name" + der.encode()).hexdigest().upper()
    key = hashlib.new(algorithm.lower(), b"key" + der.encode()).hexdigest()
    return {"hashAlgorithm": algorithm, "issuerNameHash": name, "issuerKeyHash": key, "serialNumber": "0aBc1"}


async def install_root(gateway: Bench, station: ScriptedStation, workshop: Workshop, kind: str) -> None:
    """TC_075: InstallCertificate and GetInstalledCertificateIds."""
    root = workshop.root("/CN=Some root", workshop.key())
    await installs(gateway, station, kind, root, ACCEPTED)
    await tells_installed(gateway, station, kind, [hash_data_of(workshop, root, "SHA256")])
    rows = await gateway.rows("SELECT certificate_type, serial_number FROM installed_certificates")
    assert rows == [{"certificate_type": kind, "serial_number": "0aBc1"}]


@pytest.mark.case("TC_075_1_CSMS")
async def test_tc_075_1_csms_install_manufacturer_root(
    gateway: Bench, station: ScriptedStation, workshop: Workshop
) -> None:
    await install_root(gateway, station, workshop, "ManufacturerRootCertificate")


@pytest.mark.case("TC_075_2_CSMS")
async def test_tc_075_2_csms_install_central_system_root(
    gateway: Bench, station: ScriptedStation, workshop: Workshop
) -> None:
    await install_root(gateway, station, workshop, "CentralSystemRootCertificate")


@pytest.mark.case("TC_076_CSMS")
@pytest.mark.parametrize("algorithm", ["SHA256", "SHA384", "SHA512"])
async def test_tc_076_csms_delete_certificate(
    gateway: Bench, station: ScriptedStation, workshop: Workshop, algorithm: str
) -> None:
    kind = "ManufacturerRootCertificate"
    root = workshop.root("/CN=Some root", workshop.key("ec:prime256v1"))
    await installs(gateway, station, kind, root, ACCEPTED)
    named = hash_data_of(workshop, root, algorithm)
    await tells_installed(gateway, station, kind, [named])
    (known,) = await gateway.installed()
    members = ("hash_algorithm", "issuer_name_hash", "issuer_key_hash", "serial_number")
    echoed = dict(zip(named, (known[member] for member in members), strict=True))
    assert echoed == named  # letter by letter
    wanted = {"certificateHashData": echoed}
    got, outcome = await gateway.sends(station, "DeleteCertificate", wanted, answered=ACCEPTED)
    assert (got, outcome.response) == (wanted, ACCEPTED)
    assert await gateway.installed() == []
    nothing = {"status": "NotFound"}
    await gateway.sends(station, "GetInstalledCertificateIds", {"certificateType": kind}, answered=nothing)
    assert await gateway.installed() == []


@pytest.mark.case("TC_078_CSMS")
async def test_tc_078_csms_invalid_central_system_certificate(
    gateway: Bench, station: ScriptedStation, workshop: Workshop
) -> None:
    kind = "CentralSystemRootCertificate"
    await installs(gateway, station, kind, workshop.root("/CN=Odd root", workshop.key()), {"status": "Rejected"})
    told = {"type": "InvalidCentralSystemCertificate", "timestamp": NOW}
    assert await station.say("SecurityEventNotification", told) == {}
    assert await gateway.installed() == []
