"""A certificate authority for tests, made at run time by the `openssl` command: none of the gateway's own code.

It decides how certificates look; whom the gateway trusts is written into its configuration by the tests.
"""

from __future__ import annotations

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Kind = Literal["rsa", "ec"]

_BEGIN = "20200101000000Z"
_END = "20491231235959Z"
_KEYS: dict[Kind, list[str]] = {
    "rsa": ["-newkey", "rsa:2048"],
    "ec": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
}
_CONFIGURATION = """
[ca]
default_ca = test
[test]
database = index.txt
new_certs_dir = .
certificate = authority.pem
private_key = authority.key
default_md = sha256
policy = anything
unique_subject = no
copy_extensions = copy
rand_serial = yes
[anything]
commonName = optional
organizationName = optional
"""


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate file and its key file."""

    chain: Path
    key: Path

    def toml(self) -> str:
        """As an entry of [ocpp.tls] certificates."""
        return f'{{ chain = "{self.chain}", key_file = "{self.key}" }}'


class Authority:
    """A root that signs whatever the test asks for."""

    def __init__(self, directory: Path, name: str = "Test Root") -> None:
        self.directory = directory
        directory.mkdir(parents=True)
        (directory / "ca.cnf").write_text(_CONFIGURATION)
        (directory / "index.txt").write_text("")
        self.file = directory / "authority.pem"
        self._openssl(
            "req", "-x509", *_KEYS["ec"], "-nodes", "-keyout", "authority.key", "-out", "authority.pem", "-days",
            "9000", "-subj", f"/CN={name}",
        )  # fmt: skip

    def issue(
        self,
        common_name: str,
        *,
        kind: Kind = "ec",
        organization: str = "",
        names: str = "",
        begin: str = _BEGIN,
        end: str = _END,
        file: str = "",
    ) -> Pair:
        """A certificate; `names` as openssl writes them ("DNS:localhost,IP:127.0.0.1"), times as YYYYMMDDHHMMSSZ."""
        stem = file or f"{common_name.replace('/', '_')}-{kind}"
        subject = f"/O={organization}/CN={common_name}" if organization else f"/CN={common_name}"
        extensions = ["-addext", f"subjectAltName={names}"] if names else []
        key, request = self.directory / f"{stem}.key", self.directory / f"{stem}.csr"
        self._openssl(
            "req", "-new", *_KEYS[kind], "-nodes", "-keyout", str(key), "-out", str(request), "-subj", subject,
            *extensions,
        )  # fmt: skip
        chain = self.directory / f"{stem}.pem"
        self._openssl(
            "ca", "-batch", "-config", "ca.cnf", "-notext", "-in", str(request), "-out", str(chain), "-startdate",
            begin, "-enddate", end,
        )  # fmt: skip
        return Pair(chain, key)

    def server_pairs(self) -> tuple[Pair, Pair]:
        """What a gateway on this machine shows: RSA, then EC."""
        names = "DNS:localhost,IP:127.0.0.1"
        rsa, ec = (self.issue("localhost", kind=kind, names=names) for kind in ("rsa", "ec"))
        return rsa, ec

    def client_context(self, shown: Pair | None = None) -> ssl.SSLContext:
        """A station's context that trusts this authority, with the certificate that it shows."""
        context = ssl.create_default_context(cafile=str(self.file))
        if shown is not None:
            context.load_cert_chain(shown.chain, shown.key)
        return context

    def _openssl(self, *words: str) -> None:
        done = subprocess.run(["openssl", *words], cwd=self.directory, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"openssl {' '.join(words)}: {done.stderr}"


def self_signed(directory: Path, common_name: str) -> Pair:
    """A certificate that nobody vouches for."""
    directory.mkdir(parents=True, exist_ok=True)
    pair = Pair(directory / f"{common_name}-alone.pem", directory / f"{common_name}-alone.key")
    command = [
        "openssl", "req", "-x509", *_KEYS["ec"], "-nodes", "-keyout", str(pair.key), "-out", str(pair.chain), "-days",
        "9000", "-subj", f"/CN={common_name}",
    ]  # fmt: skip
    subprocess.run(command, capture_output=True, check=True)
    return pair
