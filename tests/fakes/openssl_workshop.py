"""Keys, requests and certificates made, read and judged by the openssl command line: none of the gateway's own code."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path


def openssl(*arguments: str | Path, given: str | bytes = "") -> str:
    """Run openssl; what it prints. Raises CalledProcessError when it says no."""
    content = given if isinstance(given, bytes) else given.encode()
    ran = subprocess.run(["openssl", *map(str, arguments)], input=content, capture_output=True, check=True)
    return ran.stdout.decode()


def blocks(pem: str) -> list[str]:
    """The PEM blocks of a text, each as it is."""
    return re.findall(r"-----BEGIN [^-]+-----\n.*?-----END [^-]+-----\n", pem, re.DOTALL)


def text_of(certificate: str) -> str:
    """The first certificate of a PEM text in words."""
    return openssl("x509", "-noout", "-text", given=certificate)


def public_key_of(certificate: str) -> str:
    """The first certificate's public key."""
    return openssl("x509", "-noout", "-pubkey", given=certificate)


@dataclass
class Workshop:
    """A folder to work in."""

    folder: Path
    _numbers: count[int] = field(default_factory=count)

    def file(self, content: str | bytes = "") -> Path:
        """A new file."""
        path = self.folder / f"file-{next(self._numbers)}.pem"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def key(self, kind: str = "rsa:2048") -> Path:
        """A private key: rsa:BITS or ec:CURVE."""
        name, _, size = kind.partition(":")
        path = self.file()
        if name == "rsa":
            openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", f"rsa_keygen_bits:{size}", "-out", path)
        else:
            openssl("ecparam", "-name", size, "-genkey", "-noout", "-out", path)
        return path

    def request(self, subject: str, key: Path, *options: str) -> str:
        """A signing request, such as for "/O=Maker/CN=SN-1"."""
        return openssl("req", "-new", "-key", key, "-subj", subject, "-sha256", *options)

    def public_key_of_request(self, request: str) -> str:
        """Its public key."""
        return openssl("req", "-noout", "-pubkey", given=request)

    def root(self, subject: str, key: Path, *, days: int = 3650, options: tuple[str, ...] = ()) -> str:
        """A self-signed authority."""
        return openssl("req", "-x509", "-key", key, "-subj", subject, "-days", str(days), "-sha256", *options)

    def issued(
        self, subject: str, key: Path, *, by: str, by_key: Path, extensions: str = "", options: tuple[str, ...] = ()
    ) -> str:
        """A certificate that the authority `by` issues."""
        request = self.file(self.request(subject, key))
        return openssl(
            "x509", "-req", "-in", request, "-CA", self.file(by), "-CAkey", by_key, "-CAcreateserial", "-days", "1000",
            "-sha256", "-extfile", self.file(extensions or "basicConstraints=CA:false\n"), *options,
        )  # fmt: skip

    def verifies(
        self, chain: str, *, trusting: str, purpose: str = "", at: int | None = None, alone: bool = True
    ) -> bool:
        """True when whoever trusts `trusting` believes the chain (leaf first); `alone`: only whole ways to a root."""
        options = ["-purpose", purpose] if purpose else []
        options += ["-attime", str(at)] if at is not None else []
        options += [] if alone else ["-partial_chain"]
        leaf, *above = blocks(chain)
        if above:
            options += ["-untrusted", str(self.file("".join(above)))]
        try:
            openssl("verify", "-CAfile", self.file(trusting), "-no-CApath", "-no-CAstore", *options, self.file(leaf))
        except subprocess.CalledProcessError:
            return False
        return True
