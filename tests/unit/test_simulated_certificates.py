"""The roots in a simulated station, named as openssl would name them."""

from __future__ import annotations

import subprocess

import pytest

from gateway.pki.certificate_facts import certificates_in, issuer_name_hashes
from gateway.simulated_certificates import Certificates, hash_data_of
from tests.fakes.openssl_workshop import Workshop

ROOT = "CentralSystemRootCertificate"
MAKER = "ManufacturerRootCertificate"


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("workshop"))


@pytest.mark.parametrize("kind", ["rsa:2048", "ec:prime256v1"])
def test_the_name_is_what_everybody_counts(workshop: Workshop, kind: str) -> None:
    root = workshop.root("/O=Some one/CN=Root", workshop.key(kind))
    named = hash_data_of(root)
    (certificate,) = certificates_in(root)
    assert named["issuerNameHash"] == issuer_name_hashes(certificate)["SHA256"]
    assert named["serialNumber"] == f"{certificate.serial_number:x}"
    file = workshop.file(root)
    responder = subprocess.run(
        ["openssl", "ocsp", "-sha256", "-issuer", file, "-cert", file, "-req_text"], capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert f"Issuer Name Hash: {named['issuerNameHash'].upper()}" in responder.stdout
    assert f"Issuer Key Hash: {named['issuerKeyHash'].upper()}" in responder.stdout


def test_install_list_delete(workshop: Workshop) -> None:
    certificates = Certificates()
    roots = [workshop.root(f"/CN=Root {number}", workshop.key("ec:prime256v1")) for number in range(2)]
    assert certificates.answer("GetInstalledCertificateIds", {"certificateType": ROOT}) == {"status": "NotFound"}
    for root in (*roots, roots[0]):
        assert (
            certificates.answer("InstallCertificate", {"certificateType": ROOT, "certificate": root})["status"]
            == "Accepted"
        )
    listed = certificates.answer("GetInstalledCertificateIds", {"certificateType": ROOT})
    assert listed == {"status": "Accepted", "certificateHashData": [hash_data_of(root) for root in roots]}
    assert certificates.answer("GetInstalledCertificateIds", {"certificateType": MAKER}) == {"status": "NotFound"}
    gone = {"certificateHashData": hash_data_of(roots[0])}
    assert certificates.answer("DeleteCertificate", gone) == {"status": "Accepted"}
    assert certificates.answer("DeleteCertificate", gone) == {"status": "NotFound"}
    assert certificates.answer("GetInstalledCertificateIds", {"certificateType": ROOT})["certificateHashData"] == [
        hash_data_of(roots[1])
    ]
    assert certificates.answer("CertificateSigned", {"certificateChain": roots[0]}) == {"status": "Rejected"}


def test_what_is_no_certificate_is_rejected_and_a_full_store_fails(workshop: Workshop) -> None:
    certificates = Certificates()
    root = workshop.root("/CN=Root", workshop.key("ec:prime256v1"))
    for text in ("", "nonsense", root[:200] + root[-30:], root.replace("M", "!", 1), "-----BEGIN CERTIFICATE-----\n"):
        assert (
            certificates.answer("InstallCertificate", {"certificateType": ROOT, "certificate": text})["status"]
            == "Rejected"
        )
    key = workshop.key("ec:prime256v1")
    for _ in range(10):
        full = {"certificateType": ROOT, "certificate": workshop.root("/CN=Root", key)}
        assert certificates.answer("InstallCertificate", full)["status"] == "Accepted"
    assert (
        certificates.answer("InstallCertificate", {"certificateType": ROOT, "certificate": root})["status"] == "Failed"
    )
