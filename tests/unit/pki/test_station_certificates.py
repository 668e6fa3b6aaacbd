"""Signing requests as stations send them, good and bad, made by openssl; and what is signed of them."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.pki.station_certificates import (
    SigningRequest,
    Unusable,
    make_certificate,
    read_signing_request,
    sign_request,
)
from tests.fakes.openssl_workshop import Workshop, blocks, openssl, public_key_of, text_of

NOW = datetime(2027, 1, 15, tzinfo=UTC)


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("workshop"))


@pytest.fixture(scope="module")
def rsa_key(workshop: Workshop) -> Path:
    return workshop.key("rsa:2048")


@pytest.fixture(scope="module")
def good(workshop: Workshop, rsa_key: Path) -> str:
    return workshop.request("/C=DE/O=Maker/CN=SN-1", rsa_key)


def reason(text: str) -> str:
    read = read_signing_request(text)
    assert isinstance(read, Unusable), read
    return read.reason


@pytest.mark.parametrize(
    "write",
    [
        lambda pem: pem,
        lambda pem: pem.replace("\n", "\r\n"),
        lambda pem: pem.replace("\n", "\r"),
        lambda pem: pem.replace("\n", "%0A"),
        lambda pem: pem.replace("\n", "%0D%0A"),
        lambda pem: pem.replace("\n", "%0a").replace("+", "%2B").replace("=", "%3D").replace("/", "%2F"),
        lambda pem: pem.replace("\n", "\\n"),
        lambda pem: pem.replace("\n", "\\r\\n"),
        lambda pem: pem.replace("\n", " "),
        lambda pem: pem.replace("-----\n", "-----").replace("\n-----E", "-----E").replace("\n", ""),
        lambda pem: pem.rstrip("\n"),
        lambda pem: "\ufeff  \n" + pem + "\n\n",
        lambda pem: pem.replace("CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"),
    ],
)
def test_line_ends_of_every_kind(good: str, write: Callable[[str], str]) -> None:
    read = read_signing_request(write(good))
    assert isinstance(read, SigningRequest), read
    assert (read.common_name, read.algorithm) == ("SN-1", "rsa")
    assert openssl("req", "-noout", "-verify", "-subject", given=read.pem).strip().endswith("CN = SN-1")
    assert "\r" not in read.pem


@pytest.mark.parametrize("kind", ["ec:secp224r1", "ec:prime256v1", "ec:secp384r1", "ec:secp521r1", "rsa:3072"])
def test_keys_that_are_strong_enough(workshop: Workshop, kind: str) -> None:
    read = read_signing_request(workshop.request("/CN=SN-1", workshop.key(kind)))
    assert isinstance(read, SigningRequest), read
    assert read.algorithm == ("rsa" if kind.startswith("rsa") else "ecdsa")


@pytest.mark.parametrize(
    ("kind", "said"),
    [("rsa:1024", "an RSA key of 1024 bits: expected 2048 or more"), ("ec:prime192v1", "expected 224 or more")],
)
def test_weak_keys(workshop: Workshop, kind: str, said: str) -> None:
    assert said in reason(workshop.request("/CN=SN-1", workshop.key(kind)))


def test_other_kinds_of_keys(workshop: Workshop) -> None:
    key = workshop.file()
    openssl("genpkey", "-algorithm", "ED25519", "-out", key)
    assert reason(openssl("req", "-new", "-key", key, "-subj", "/CN=SN-1")) == "the key is neither RSA nor EC"


@pytest.mark.parametrize("digest", ["-md5", "-sha1"])
def test_weak_hashes(workshop: Workshop, rsa_key: Path, digest: str) -> None:
    assert reason(workshop.request("/CN=SN-1", rsa_key, digest)).startswith("signed with ")


def test_a_request_signed_with_pss_is_read(workshop: Workshop, rsa_key: Path) -> None:
    request = workshop.request("/CN=SN-1", rsa_key, "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32")
    assert isinstance(read_signing_request(request), SigningRequest)


def test_a_signature_of_another_key(workshop: Workshop, good: str, rsa_key: Path) -> None:
    der = workshop.file()
    subprocess.run(["openssl", "req", "-in", workshop.file(good), "-outform", "DER", "-out", der], check=True)
    content = bytearray(der.read_bytes())
    content[-1] ^= 1
    der.write_bytes(content)
    broken = openssl("req", "-inform", "DER", "-in", der, "-outform", "PEM")
    assert reason(broken) == "its signature is not of its own key"


def test_a_changed_name_breaks_the_signature(workshop: Workshop, good: str) -> None:
    der = workshop.file()
    subprocess.run(["openssl", "req", "-in", workshop.file(good), "-outform", "DER", "-out", der], check=True)
    der.write_bytes(der.read_bytes().replace(b"SN-1", b"SN-2"))
    assert (
        reason(openssl("req", "-inform", "DER", "-in", der, "-outform", "PEM")) == "its signature is not of its own key"
    )


@pytest.mark.parametrize("subject", ["/O=Maker", "/CN=one/CN=two", "/", "/CN= padded", "/CN=bell\x07"])
def test_common_names_that_are_none(workshop: Workshop, rsa_key: Path, subject: str) -> None:
    assert reason(workshop.request(subject, rsa_key)).startswith("expected exactly one common name")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nothing",
        "-----BEGIN CERTIFICATE REQUEST-----\n-----END CERTIFICATE REQUEST-----\n",
        "-----BEGIN CERTIFICATE REQUEST-----\n!!!!\n-----END CERTIFICATE REQUEST-----\n",
        "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n",
        "-----BEGIN CERTIFICATE REQUEST-----\nMIIC\u00e4\n-----END CERTIFICATE REQUEST-----\n",
        "-----BEGIN CERTIFICATE REQUEST-----\nMIIC",
    ],
)
def test_what_is_no_request(text: str) -> None:
    assert reason(text)


def test_half_a_request(good: str) -> None:
    half = good[: len(good) // 2] + "\n-----END CERTIFICATE REQUEST-----\n"
    assert reason(half).startswith("a broken certificate request")


def test_two_requests_at_once(good: str) -> None:
    assert reason(good + good) == "not one certificate request in PEM form"


def test_a_certificate_is_no_request(workshop: Workshop, rsa_key: Path) -> None:
    assert reason(workshop.root("/CN=Root", rsa_key)) == "not one certificate request in PEM form"


def test_the_longest_request(good: str) -> None:
    padded = good + " " * (5500 - len(good))
    assert isinstance(read_signing_request(padded), SigningRequest)
    assert reason(padded + " ") == "longer than 5500 characters"


@pytest.mark.parametrize(("wanted", "written"), [("rsa", "sha256WithRSAEncryption"), ("ecdsa", "ecdsa-with-SHA256")])
def test_what_is_signed(tmp_path: Path, workshop: Workshop, good: str, wanted: str, written: str) -> None:
    issued = sign_request(tmp_path / "pki", good, algorithm=wanted, now=NOW)  # type: ignore[arg-type]
    words = text_of(issued.chain)
    assert words.count(f"Signature Algorithm: {written}") == 2
    assert "Subject: C = DE, O = Maker, CN = SN-1" in words or "CN = SN-1" in words
    for extension in ("CA:FALSE", "TLS Web Client Authentication", "Digital Signature"):
        assert extension in words
    assert "TLS Web Server Authentication" not in words
    assert public_key_of(issued.chain) == workshop.public_key_of_request(good)
    assert issued.leaf + blocks(issued.chain)[1] == issued.chain
    assert len(issued.chain) <= 10_000
    hexadecimal = re.search(r"Serial Number:\s+([0-9a-f:]+)", words)
    assert hexadecimal is not None
    assert hexadecimal[1].replace(":", "").lstrip("0") == issued.serial_number
    assert issued.not_after.year in (2031, 2032)
    assert issued.algorithm == wanted


def test_what_else_a_request_wants_is_not_granted(workshop: Workshop, rsa_key: Path, tmp_path: Path) -> None:
    request = workshop.request(
        "/CN=SN-1/emailAddress=root@example.net/UID=0", rsa_key,
        "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "subjectAltName=DNS:gateway.example",
        "-addext", "extendedKeyUsage=serverAuth",
    )  # fmt: skip
    words = text_of(sign_request(tmp_path / "pki", request, algorithm="rsa", now=NOW).leaf)
    assert "CA:FALSE" in words and "CA:TRUE" not in words
    for unwanted in ("gateway.example", "Server Authentication", "emailAddress", "UID"):
        assert unwanted not in words


def test_a_certificate_made_by_hand(tmp_path: Path, workshop: Workshop) -> None:
    for algorithm in ("rsa", "ecdsa"):
        key, issued = make_certificate(tmp_path / "pki", "CP-1", algorithm=algorithm, now=NOW)  # type: ignore[arg-type]
        assert openssl("pkey", "-pubout", given=key) == public_key_of(issued.chain)
        root = (tmp_path / "pki" / "authority-0001.pem").read_text()
        assert workshop.verifies(issued.chain, trusting=root, purpose="sslclient")
        for file in (tmp_path / "pki").iterdir():
            assert key not in file.read_text()


@pytest.mark.parametrize("wrong_clock", [datetime(1970, 1, 1, 0, 1, tzinfo=UTC), datetime(2000, 5, 5, tzinfo=UTC)])
def test_a_clock_that_was_never_set_does_not_shorten_certificates(
    tmp_path: Path, workshop: Workshop, good: str, wrong_clock: datetime
) -> None:
    issued = sign_request(tmp_path / "pki", good, algorithm="rsa", now=wrong_clock)
    root = (tmp_path / "pki" / "authority-0001.pem").read_text()
    for at in (datetime(1970, 1, 1, 0, 0, 30, tzinfo=UTC), NOW, datetime(2030, 1, 1, tzinfo=UTC)):
        assert workshop.verifies(issued.chain, trusting=root, at=int(at.timestamp()))


def test_a_clock_beyond_all_calendars_still_issues(tmp_path: Path, good: str) -> None:
    issued = sign_request(tmp_path / "pki", good, algorithm="rsa", now=datetime(9999, 12, 31, tzinfo=UTC))
    assert issued.not_after.year > 9000
