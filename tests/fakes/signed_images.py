"""Firmware files signed by the openssl command line, in each way that vendors sign: none of the gateway's own code."""

from __future__ import annotations

import base64
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.fakes.openssl_workshop import Workshop, openssl

PSS = ("-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_mgf1_md:sha256")


@dataclass(frozen=True)
class Signer:
    """A vendor's key and the certificate for it."""

    workshop: Workshop
    key: Path
    certificate: str

    def signature(self, content: bytes, *options: str, digest: str = "sha256") -> str:
        """Of a file with this content, in base64."""
        file = self.workshop.file(content)
        command = ["openssl", "dgst", f"-{digest}", "-sign", str(self.key), *options, str(file)]
        return base64.b64encode(subprocess.run(command, capture_output=True, check=True).stdout).decode()


def signer(folder: Path, kind: str = "ec:prime256v1", *, days: int = 3650) -> Signer:
    """A new vendor, with a self-signed certificate: rsa:BITS, ec:CURVE or ed25519."""
    workshop = Workshop(folder)
    if kind == "ed25519":
        key = workshop.file()
        openssl("genpkey", "-algorithm", "ED25519", "-out", key)
        certificate = openssl("req", "-x509", "-key", key, "-subj", "/O=Vendor/CN=Firmware", "-days", str(days))
    else:
        key = workshop.key(kind)
        certificate = workshop.root("/O=Vendor/CN=Firmware", key, days=days)
    return Signer(workshop, key, certificate)
