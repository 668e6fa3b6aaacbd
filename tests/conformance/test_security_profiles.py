"""TC_073, 083, 085, 086, 087: passwords, the step to a higher security profile, TLS, certificates of stations."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance.secured_site import BETTER, GOOD, NEW, SUITES, boots, secured, suite_context
from tests.fakes.certificate_maker import Authority


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority") / "root")


@pytest.mark.case("TC_073_CSMS")
@pytest.mark.parametrize("profile", [1, 2])
async def test_tc_073_csms_update_of_the_password(tmp_path: Path, authority: Authority, profile: int) -> None:
    tls = {"tls": authority.client_context()} if profile == 2 else {}
    async with secured(tmp_path, authority, profile) as gateway:
        async with gateway.station(credentials=GOOD, **tls) as station:
            await boots(station)
            change = {"key": "AuthorizationKey", "value": NEW}
            got, outcome = await gateway.sends(station, "ChangeConfiguration", change, answered={"status": "Accepted"})
            assert got == change
            assert outcome.response == {"status": "Accepted"} and outcome.warning is None
        assert await gateway.refusal(credentials=GOOD, **tls) == 401
        async with gateway.station(credentials=BETTER, **tls) as station:
            await boots(station)
        assert await gateway.refusal(credentials=GOOD, **tls) == 401


@pytest.mark.case("TC_083_CSMS")
@pytest.mark.parametrize("before", [0, 1, 2])
async def test_tc_083_csms_upgrade_of_the_security_profile(tmp_path: Path, authority: Authority, before: int) -> None:
    certificate = authority.issue("CP-1")
    ways: list[dict[str, object]] = [
        {},
        {"credentials": GOOD},
        {"credentials": GOOD, "tls": authority.client_context()},
        {"tls": authority.client_context(certificate)},
    ]
    old, new = ways[before], ways[before + 1]
    async with secured(tmp_path, authority, before) as gateway:
        async with gateway.station(**old) as station:
            await boots(station)
            change = {"key": "SecurityProfile", "value": str(before + 1)}
            got, outcome = await gateway.sends(station, "ChangeConfiguration", change, answered={"status": "Accepted"})
            assert got == change and outcome.warning is None
            got, _ = await gateway.sends(station, "Reset", {"type": "Hard"}, answered={"status": "Accepted"})
            assert got == {"type": "Hard"}
        async with gateway.station(**new) as station:
            await boots(station)
        assert await gateway.refusal(**old) in (401, 403)
        async with gateway.station(**new) as station:
            await boots(station)
            assert gateway.connection().proof.profile == before + 1
    async with secured(tmp_path, authority, before) as gateway:  # the file still names the old one
        assert await gateway.refusal(**old) in (401, 403)
        async with gateway.station(**new):
            pass


@pytest.mark.case("TC_085_CSMS")
@pytest.mark.parametrize("profile", [1, 2])
async def test_tc_085_csms_basic_authentication(tmp_path: Path, authority: Authority, profile: int) -> None:
    tls = {"tls": authority.client_context()} if profile == 2 else {}
    async with secured(tmp_path, authority, profile) as gateway:
        assert await gateway.refusal(**tls) == 401
        async with gateway.station(credentials=GOOD, **tls) as station:
            await boots(station)


@pytest.mark.case("TC_086_CSMS")
@pytest.mark.parametrize("suite", SUITES)
async def test_tc_086_csms_tls_with_server_certificate(tmp_path: Path, authority: Authority, suite: str) -> None:
    async with secured(tmp_path, authority, 2) as gateway:
        async with gateway.station(credentials=GOOD, tls=suite_context(authority, suite)) as station:
            encrypted = station.socket.transport.get_extra_info("ssl_object")
            assert encrypted.cipher()[0] == suite and encrypted.version() == "TLSv1.2"
            assert ("commonName", "localhost") in [pair for name in encrypted.getpeercert()["subject"] for pair in name]
            await boots(station)
        async with gateway.station(credentials=GOOD, tls=authority.client_context()) as station:
            assert station.socket.transport.get_extra_info("ssl_object").version() == "TLSv1.3"
            await boots(station)


@pytest.mark.case("TC_087_CSMS")
@pytest.mark.parametrize("suite", SUITES)
async def test_tc_087_csms_tls_with_client_certificate(tmp_path: Path, authority: Authority, suite: str) -> None:
    certificate = authority.issue("CP-1", kind="rsa" if "ECDSA" not in suite else "ec")
    async with secured(tmp_path, authority, 3) as gateway:
        assert await gateway.refusal(tls=suite_context(authority, suite)) == 403
        assert await gateway.refusal(tls=suite_context(authority, suite), credentials=GOOD) == 403
        async with gateway.station(tls=suite_context(authority, suite, certificate)) as station:
            await boots(station)
            proof = gateway.connection().proof
            assert proof.profile == 3 and proof.certificate is not None
            assert proof.certificate.common_name == "CP-1"
