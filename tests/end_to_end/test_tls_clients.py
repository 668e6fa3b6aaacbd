"""TLS against clients that nobody of this project wrote: OpenSSL's s_client, `test-ocpp`, and Node's `ocpp-rpc`."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.end_to_end.foreign_clients import boot_tester, run_to_end, running_script
from tests.end_to_end.running_gateway import Document, RunningGateway, free_ports, running_gateway, wait_until
from tests.fakes.certificate_maker import Authority, Pair, self_signed

PASSWORD = "4f3c2b1a00112233445566778899aabb"
TEXT_PASSWORD = "a-password-of-20-ch."
SUITES = {
    "ECDHE-ECDSA-AES128-GCM-SHA256": "EC",
    "ECDHE-ECDSA-AES256-GCM-SHA384": "EC",
    "AES128-GCM-SHA256": "rsa",
    "AES256-GCM-SHA384": "rsa",
}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority") / "root")


@dataclass(frozen=True, slots=True)
class Secured:
    """A daemon with its TLS port."""

    gateway: RunningGateway
    port: int

    @property
    def url(self) -> str:
        return f"wss://localhost:{self.port}/ocpp"

    def security_events(self) -> list[Document]:
        items = self.gateway.get("/events?limit=1000")["items"]
        assert isinstance(items, list)
        return [item for item in items if item["kind"] == "gateway.security_event"]

    def refused(self, kind: str, *, station: str | None, reason: str) -> None:
        """Wait for the security event of a refusal."""

        def told() -> bool:
            return any(
                event["data"]["type"] == kind and event["station"] == station and reason in event["data"]["tech_info"]  # type: ignore[index, call-overload]
                for event in self.security_events()
            )

        wait_until(told, f"{kind} of {station}: {reason}")


@contextmanager
def secured(place: Path, authority: Authority, *, cipher_set: str = "certification") -> Iterator[Secured]:
    (port,) = free_ports(1)
    certificates = ", ".join(pair.toml() for pair in authority.server_pairs())
    more = (
        f'[ocpp.tls]\nport = {port}\ncipher_set = "{cipher_set}"\nclient_ca = "{authority.file}"\n'
        f"certificates = [{certificates}]\n"
    )
    with running_gateway(place, more=more) as gateway:
        yield Secured(gateway, port)


def s_client(port: int, *words: str) -> str:
    """What `openssl s_client` says of a handshake."""
    command = ["openssl", "s_client", "-connect", f"localhost:{port}", "-servername", "localhost", *words]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=False)
    return done.stdout + done.stderr


@pytest.mark.case("TC_086_CSMS")
def test_tc_086_csms_all_suites_with_both_certificates(place: Path, authority: Authority) -> None:
    with secured(place, authority) as site:
        for suite, key in SUITES.items():
            said = s_client(
                site.port, "-tls1_2", "-cipher", suite, "-CAfile", str(authority.file), "-verify_return_error",
                "-verify_hostname", "localhost",
            )  # fmt: skip
            assert f"Cipher    : {suite}" in said and "Verify return code: 0 (ok)" in said, said
            assert re.search(r"Peer signature type: (ECDSA|RSA)|Server public key is", said)
            assert ("Server public key is 2048 bit" in said) == (key == "rsa"), said
            assert "Secure Renegotiation IS supported" in said and "Compression: NONE" in said
            assert "subject=CN = localhost" in said or "subject=CN=localhost" in said
        assert "TLSv1.3" in s_client(site.port, "-CAfile", str(authority.file))
        for words in (["-tls1_1", "-cipher", "ALL@SECLEVEL=0"], ["-tls1_2", "-cipher", "AES128-SHA:AES256-SHA256"]):
            assert "Cipher is (NONE)" in s_client(site.port, *words)
        site.refused("InvalidTLSVersion", station=None, reason="TLS 1.2")
        site.refused("InvalidTLSCipherSuite", station=None, reason="cipher")


def test_the_modern_set_refuses_rsa_key_exchange(place: Path, authority: Authority) -> None:
    with secured(place, authority, cipher_set="modern") as site:
        for suite in SUITES:
            said = s_client(site.port, "-tls1_2", "-cipher", suite)
            assert (f"Cipher    : {suite}" in said) == suite.startswith("ECDHE"), said


@pytest.mark.case("TC_087_CSMS")
def test_tc_087_csms_all_suites_with_a_client_certificate(place: Path, authority: Authority) -> None:
    shown = authority.issue("CP-1", kind="rsa")
    with secured(place, authority) as site:
        for suite in SUITES:
            said = s_client(
                site.port, "-tls1_2", "-cipher", suite, "-cert", str(shown.chain), "-key", str(shown.key), "-CAfile",
                str(authority.file),
            )  # fmt: skip
            assert f"Cipher    : {suite}" in said and "Verify return code: 0 (ok)" in said, said


def test_test_ocpp_over_wss(place: Path, authority: Authority) -> None:
    certificate = authority.issue("CERT-1")
    with secured(place, authority) as site:
        site.gateway.put("/stations/TLS-1", {"password": TEXT_PASSWORD, "security_profile": 2})
        site.gateway.put("/stations/CERT-1", {"security_profile": 3})
        trust = ["--ca", str(authority.file)]

        def knock(station: str, *words: str) -> tuple[int, str]:
            done = run_to_end(boot_tester(site.url, station, *trust, *words))
            return done.returncode, done.stdout

        code, said = knock("TLS-1", "--password", TEXT_PASSWORD)
        assert code == 0 and "BootNotification status: Accepted" in said, said
        code, said = knock("TLS-1", "--password", "another-one-of-20-ch")
        assert code == 1 and "HTTP 401" in said, said
        site.refused("FailedToAuthenticateAtCentralSystem", station="TLS-1", reason="wrong password")
        code, said = knock("CERT-1", "--cert", str(certificate.chain), "--key", str(certificate.key))
        assert code == 0 and "BootNotification status: Accepted" in said, said
        code, said = knock("CERT-1")
        assert code == 1 and "HTTP 403" in said, said
        plain = run_to_end(boot_tester(site.gateway.ocpp_url, "TLS-1", "--password", TEXT_PASSWORD))
        assert plain.returncode == 1 and "HTTP 403" in plain.stdout, plain.stdout
        site.refused("WrongSecurityProfile", station="TLS-1", reason="must connect with TLS")


@pytest.mark.parametrize("profile", [2, 3])
def test_a_node_station_charges_over_wss(place: Path, authority: Authority, profile: int) -> None:
    shown = authority.issue("NODE-1", kind="rsa")
    with secured(place, authority) as site:
        site.gateway.put("/stations/NODE-1", {"password": PASSWORD, "security_profile": profile})
        site.gateway.put("/id-tags/NODE", {"status": "Accepted"})
        settings: Document = {"url": site.url, "station": "NODE-1", "tag": "NODE", "ca": str(authority.file)}
        if profile == 2:
            settings |= {"password": PASSWORD}
        else:
            settings |= {"cert": str(shown.chain), "key": str(shown.key)}
        with running_script("over_tls.mjs", settings) as script:
            charged = script.expect("charged")
            state = site.gateway.get("/stations/NODE-1/security")
            assert (state["connected_profile"], state["security_profile"]) == (profile, profile)
            if profile == 2:
                said = site.gateway.command("station", "security", "NODE-1", "--new-password")
                assert re.search(r"new password, shown only now: [0-9a-f]{40}\n", said), said
            script.go_on()
            told = script.expect("done")
            assert told["complaints"] == []
            assert told["calledFor"] == (["ChangeConfiguration"] if profile == 2 else [])
            script.go_on()
        (session,) = site.gateway.transactions("NODE-1")
        assert (session["transaction_id"], session["energy_wh"]) == (charged["transactionId"], 2500)
        if profile == 2:  # the old password is over
            done = run_to_end(boot_tester(site.url, "NODE-1", "--ca", str(authority.file), "--password", PASSWORD))
            assert done.returncode == 1 and "HTTP 401" in done.stdout, done.stdout


def test_node_stations_with_wrong_certificates_are_refused(place: Path, authority: Authority, tmp_path: Path) -> None:
    wrong: dict[str, tuple[Pair, str | None, str]] = {
        "wrong name": (authority.issue("NODE-2"), "NODE-1", "the certificate belongs to 'NODE-2'"),
        "expired": (authority.issue("NODE-1", end="20210101000000Z", file="old"), None, "certificate has expired"),
        "wrong authority": (
            Authority(tmp_path / "other", "Other").issue("NODE-1"), None, "unable to get local issuer certificate",
        ),
        "self-signed": (self_signed(tmp_path, "NODE-1"), None, "self-signed certificate"),
    }  # fmt: skip
    with secured(place, authority) as site:
        site.gateway.put("/stations/NODE-1", {"security_profile": 3})
        for shown, station, reason in wrong.values():
            settings: Document = {"url": site.url, "station": "NODE-1", "tag": "X", "ca": str(authority.file)}
            settings |= {"cert": str(shown.chain), "key": str(shown.key)}
            with running_script("over_tls.mjs", settings) as script:
                script.expect("refused")
            site.refused("InvalidChargePointCertificate", station=station, reason=reason)
        assert not site.gateway.is_connected("NODE-1")


def test_the_gateways_own_certificates_serve_without_any_file(place: Path) -> None:
    (port,) = free_ports(1)
    more = f'[ocpp.tls]\nport = {port}\nnames = ["localhost", "127.0.0.1"]\ncipher_set = "certification"\n'
    with running_gateway(place, more=more) as gateway:
        pki = place / "data" / "pki"
        (root,) = [file for file in pki.glob("authority-*.pem") if ".above" not in file.name]
        for suite in SUITES:
            said = s_client(
                port, "-tls1_2", "-cipher", suite, "-CAfile", str(root), "-verify_hostname", "localhost",
            )  # fmt: skip
            assert "Verify return code: 0 (ok)" in said, said
            assert "CN = localhost" in said or "CN=localhost" in said
        gateway.put("/stations/OWN-1", {"password": TEXT_PASSWORD, "security_profile": 2})
        done = run_to_end(
            boot_tester(f"wss://127.0.0.1:{port}/ocpp", "OWN-1", "--ca", str(root), "--password", TEXT_PASSWORD)
        )
        assert done.returncode == 0, done.stdout
