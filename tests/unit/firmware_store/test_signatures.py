"""Signatures made by openssl in each way that vendors sign, whole and spoilt; and what is no signature at all."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest

from firmware_store.signatures import NO_SIGNATURE, Judgement, verify, verify_digest
from tests.fakes.openssl_workshop import openssl
from tests.fakes.signed_images import PSS, Signer, signer

CONTENT = b"firmware " * 200_000  # more than one piece
NOW = datetime.now(UTC) + timedelta(hours=1)  # certificates are made later than this line


@pytest.fixture(scope="module")
def rsa(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    return signer(tmp_path_factory.mktemp("rsa"), "rsa:2048")


@pytest.fixture(scope="module")
def curve(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    return signer(tmp_path_factory.mktemp("ec"))


def judged(tmp_path: Path, signature: str, certificate: str, *, content: bytes = CONTENT) -> Judgement:
    file = tmp_path / "image.bin"
    file.write_bytes(content)
    return verify(file, signature, certificate, now=NOW)


@pytest.mark.parametrize("salt", ["digest", "max", "20", "0"])
def test_rsa_pss_with_any_salt(rsa: Signer, tmp_path: Path, salt: str) -> None:
    signature = rsa.signature(CONTENT, *PSS, "-sigopt", f"rsa_pss_saltlen:{salt}")
    assert judged(tmp_path, signature, rsa.certificate) == Judgement("rsa-pss", "verified by RSA-PSS")


def test_rsa_pkcs1(rsa: Signer, tmp_path: Path) -> None:
    found = judged(tmp_path, rsa.signature(CONTENT), rsa.certificate)
    assert found == Judgement("rsa-pkcs1", "verified by RSA PKCS#1 v1.5")


@pytest.mark.parametrize("kind", ["ec:prime256v1", "ec:secp384r1", "ec:brainpoolP256r1"])
def test_ecdsa(tmp_path: Path, kind: str) -> None:
    vendor = signer(tmp_path, kind)
    assert judged(tmp_path, vendor.signature(CONTENT), vendor.certificate).text == "verified by ECDSA"


def test_a_key_that_is_for_pss_alone(tmp_path: Path) -> None:
    made = signer(tmp_path)
    openssl("genpkey", "-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048", "-out", made.key)
    certificate = openssl("req", "-x509", "-key", made.key, "-subj", "/CN=F", "-sha256")
    signature = Signer(made.workshop, made.key, certificate).signature(CONTENT, *PSS)
    assert judged(tmp_path, signature, certificate).scheme in ("rsa-pss", None), "judged, or told that it is unknown"


@pytest.mark.parametrize("way", ["pss", "pkcs1", "ecdsa"])
@pytest.mark.parametrize("spoilt", ["file", "signature", "other key", "other digest", "empty", "cut"])
def test_what_does_not_fit_is_not_verifiable(
    rsa: Signer, curve: Signer, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, way: str, spoilt: str
) -> None:
    vendor, options = (curve, ()) if way == "ecdsa" else (rsa, PSS if way == "pss" else ())
    signature, certificate, content = vendor.signature(CONTENT, *options), vendor.certificate, CONTENT
    assert judged(tmp_path, signature, certificate).scheme is not None
    raw = base64.b64decode(signature)
    match spoilt:
        case "file":
            content = CONTENT[:-1] + b"\0"
        case "signature":
            signature = base64.b64encode(raw[:-1] + bytes([raw[-1] ^ 1])).decode()
        case "other key":
            other = "ec:prime256v1" if way == "ecdsa" else "rsa:2048"
            certificate = signer(tmp_path_factory.mktemp("other"), other).certificate
        case "other digest":
            signature = vendor.signature(CONTENT, digest="sha512")
        case "empty":
            signature = "AA=="
        case "cut":
            signature = base64.b64encode(raw[:20]).decode()
    found = judged(tmp_path, signature, certificate, content=content)
    assert found == Judgement(None, "not verifiable: the signature does not fit to the file and the certificate")


def test_line_ends_and_escapes_do_not_matter_for_reading(curve: Signer, tmp_path: Path) -> None:
    signature, certificate = curve.signature(CONTENT), curve.certificate
    broken = "\r\n".join([signature[:20], signature[20:], ""])
    for form in (
        certificate.replace("\n", "\r\n"),
        certificate.replace("\n", "%0A"),
        certificate.replace("\n", "%0D%0a"),
        quote(certificate),
        certificate.replace("\n", "\\n"),
        certificate.replace("\n", "\\r\\n"),
        certificate.replace("\n", ""),
        certificate.replace("\n", " "),
        f"Bag Attributes\n    a: b\n{certificate}",
        certificate + certificate,
    ):
        assert judged(tmp_path, broken, form).scheme == "ecdsa", form
    assert judged(tmp_path, signature.rstrip("="), certificate).scheme == "ecdsa", "without its filling"
    assert judged(tmp_path, quote(signature), certificate).scheme == "ecdsa"


def test_ed25519_and_rubbish_are_told_in_words(curve: Signer, tmp_path: Path) -> None:
    signature = curve.signature(CONTENT)
    edwards = signer(tmp_path, "ed25519").certificate
    told = "not verifiable: the key of the certificate is neither RSA nor of an elliptic curve for ECDSA"
    assert judged(tmp_path, signature, edwards) == Judgement(None, told)
    for text in ("", "rubbish", "-----BEGIN CERTIFICATE-----", edwards.replace("CERTIFICATE", "X509 CRL")):
        assert judged(tmp_path, signature, text) == Judgement(None, "not verifiable: the certificate is not PEM")
    for body in ("", "%%", "AAAA", "ä" * 10, "A" * 5000):
        pem = f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----"
        assert judged(tmp_path, signature, pem) == Judgement(None, "not verifiable: the certificate cannot be read")
    for text in ("not base64!", "ä", "A", "=", "%"):
        assert judged(tmp_path, text, curve.certificate).text in (
            "not verifiable: the signature is not base64",
            "not verifiable: the signature does not fit to the file and the certificate",
        )


def test_without_a_signature_it_is_not_signed() -> None:
    assert verify_digest("00" * 32, None, None, now=NOW) == Judgement(None, NO_SIGNATURE)


def test_what_is_odd_about_a_certificate_is_a_note_and_no_refusal(tmp_path: Path) -> None:
    vendor = signer(tmp_path, "rsa:1024", days=30)
    file = tmp_path / "image.bin"
    file.write_bytes(CONTENT)

    def text(now: datetime) -> str:
        found = verify(file, vendor.signature(CONTENT), vendor.certificate, now=now)
        assert found.scheme == "rsa-pkcs1"
        return found.text

    day = r"2\d{3}-\d\d-\d\d"
    assert text(NOW + timedelta(days=1)) == "verified by RSA PKCS#1 v1.5; its key has only 1024 bits"
    assert re.search(f"v1.5; its certificate ended {day}; its key", text(NOW + timedelta(days=31)))
    assert re.search(f"v1.5; its certificate begins {day}; its key", text(NOW - timedelta(days=2)))
