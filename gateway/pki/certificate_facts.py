"""What certificates say of themselves, and PEM text as the gateway writes it.

It judges nothing: whether a certificate is trusted, or old, is asked elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import unquote

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \1-----", re.DOTALL)
_ALGORITHMS: dict[str, hashes.HashAlgorithm] = {
    "SHA256": hashes.SHA256(),
    "SHA384": hashes.SHA384(),
    "SHA512": hashes.SHA512(),
}


class Unreadable(Exception):
    """The text holds no certificate, or a broken one; the text says which."""


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """A certificate for people. `serial_number` and `fingerprint` (SHA-256) are lower-case hex."""

    common_name: str
    subject: str
    issuer: str
    serial_number: str
    fingerprint: str
    not_before: datetime
    not_after: datetime
    key: str
    is_authority: bool


def facts_of(certificate: x509.Certificate) -> CertificateFacts:
    """What the certificate says."""
    return CertificateFacts(
        common_name=common_name_of(certificate.subject),
        subject=certificate.subject.rfc4514_string(),
        issuer=certificate.issuer.rfc4514_string(),
        serial_number=serial_text(certificate.serial_number),
        fingerprint=certificate.fingerprint(hashes.SHA256()).hex(),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        key=_key_text(certificate),
        is_authority=_is_authority(certificate),
    )


def facts_in(text: str) -> list[CertificateFacts]:
    """What each certificate in a PEM text says. Raises Unreadable."""
    return [facts_of(certificate) for certificate in certificates_in(text)]


def certificates_in(text: str) -> list[x509.Certificate]:
    """The certificates in a PEM text, in order; text between them is passed over. Raises Unreadable."""
    found = []
    for block in blocks_in(text, "CERTIFICATE"):
        try:
            found.append(x509.load_pem_x509_certificate(block.encode("ascii")))
        except ValueError as error:
            raise Unreadable(f"a broken certificate ({error})") from None
    if not found:
        raise Unreadable("no certificate in PEM form")
    return found


def blocks_in(text: str, *labels: str) -> list[str]:
    """The PEM blocks with one of these labels, each with LF line ends."""
    return [_written(label, body) for label, body in _BLOCK.findall(with_plain_line_ends(text)) if label in labels]


def with_plain_line_ends(text: str) -> str:
    r"""The text with LF line ends: stations write CR LF, CR, %0D%0A or the two characters \n (OCTT does so as well)."""
    if "%" in text:
        text = unquote(text)
    text = text.replace("\\r", "").replace("\\n", "\n")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def pem_of(certificates: Sequence[x509.Certificate]) -> str:
    """The certificates as PEM with LF line ends, in this order."""
    encoded = (certificate.public_bytes(serialization.Encoding.PEM) for certificate in certificates)
    return b"".join(encoded).decode("ascii")


def common_name_of(name: x509.Name) -> str:
    """The only common name; empty when there is none, or more than one."""
    found = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if len(found) == 1 else ""


def serial_text(number: int) -> str:
    """A serial number as OCPP writes it: hexadecimal without leading zeros."""
    return f"{number:x}"


def issuer_name_hashes(certificate: x509.Certificate) -> dict[str, str]:
    """issuerNameHash by hashAlgorithm, as a station counts them (RFC 6960 4.1.1)."""
    name = certificate.issuer.public_bytes()
    return {word: _digest(algorithm, name) for word, algorithm in _ALGORITHMS.items()}


def _digest(algorithm: hashes.HashAlgorithm, content: bytes) -> str:
    digest = hashes.Hash(algorithm)
    digest.update(content)
    return digest.finalize().hex()


def _key_text(certificate: x509.Certificate) -> str:
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA {key.key_size}"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"EC {key.curve.name}"
    return type(key).__name__.removesuffix("PublicKey")


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        return False


def _written(label: str, body: str) -> str:
    letters = "".join(body.split())
    lines = [letters[begin : begin + 64] for begin in range(0, len(letters), 64)]
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""])
