"""Does the vendor's signature fit to the bytes and to the certificate that came with it? By every scheme in use.

The security white paper of OCPP 1.6 asks for RSA-PSS, stations in the field check PKCS#1 v1.5 or ECDSA; always SHA-256
over the whole file. Who issued the certificate is not judged: the station knows its vendor's root, the store does not.
Signature and certificate are changed for reading only (line ends, escapes); what is kept and passed on is untouched.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import unquote

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

Scheme = Literal["rsa-pss", "rsa-pkcs1", "ecdsa"]
WORDS: dict[Scheme, str] = {"rsa-pss": "RSA-PSS", "rsa-pkcs1": "RSA PKCS#1 v1.5", "ecdsa": "ECDSA"}
NO_SIGNATURE = "not signed"

_PIECE_BYTES = 1024 * 1024
_PEM = re.compile("-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", re.DOTALL)
_WEAK_RSA_BITS = 2048


@dataclass(frozen=True, slots=True)
class Judgement:
    """`scheme` None: not verifiable; the text says why, or what else is worth knowing."""

    scheme: Scheme | None
    text: str


def verify(path: Path, signature: str | None, certificate: str | None, *, now: datetime) -> Judgement:
    """Judge a file. Raises OSError when it cannot be read."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            digest.update(piece)
    return verify_digest(digest.hexdigest(), signature, certificate, now=now)


def verify_digest(sha256: str, signature: str | None, certificate: str | None, *, now: datetime) -> Judgement:
    """Judge a file of which the digest is known."""
    if signature is None or certificate is None:
        return Judgement(None, NO_SIGNATURE)
    try:
        signed = _bytes_of(signature)
        read = _certificate_of(certificate)
        scheme = _scheme_that_fits(_key_of(read), bytes.fromhex(sha256), signed)
    except _NotVerifiable as reason:
        return Judgement(None, f"not verifiable: {reason}")
    return Judgement(scheme, f"verified by {WORDS[scheme]}{_notes(read, now)}")


class _NotVerifiable(Exception):
    """The text says why, for people."""


def _bytes_of(signature: str) -> bytes:
    text = re.sub(r"\s", "", _with_line_ends(signature))
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise _NotVerifiable("the signature is not base64") from None


def _certificate_of(text: str) -> x509.Certificate:
    from cryptography import x509

    found = _PEM.search(_with_line_ends(text))
    if found is None:
        raise _NotVerifiable("the certificate is not PEM")
    try:
        content = base64.b64decode(re.sub(r"\s", "", found[1]), validate=True)
        return x509.load_der_x509_certificate(content)
    except ValueError:
        raise _NotVerifiable("the certificate cannot be read") from None


def _key_of(certificate: x509.Certificate) -> PublicKeyTypes:
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        return certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        raise _NotVerifiable("the key of the certificate is of a kind that is not known here") from None


def _with_line_ends(text: str) -> str:
    """Undo what forms and JSON do to line ends: `%0A` and a written-out `\\n`."""
    if "%" in text:  # neither PEM nor base64 has one
        text = unquote(text)
    return text.replace("\\r", "\r").replace("\\n", "\n")


def _scheme_that_fits(key: PublicKeyTypes, digest: bytes, signed: bytes) -> Scheme:
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

    for scheme, fits in _ways(key, digest, signed):
        try:
            fits()
        except (InvalidSignature, ValueError, UnsupportedAlgorithm):
            continue
        return scheme
    raise _NotVerifiable("the signature does not fit to the file and the certificate")


def _ways(key: PublicKeyTypes, digest: bytes, signed: bytes) -> list[tuple[Scheme, Callable[[], None]]]:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
    from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

    of_file = Prehashed(hashes.SHA256())
    if isinstance(key, rsa.RSAPublicKey):
        pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=padding.PSS.AUTO)
        return [
            ("rsa-pss", lambda: key.verify(signed, digest, pss, of_file)),
            ("rsa-pkcs1", lambda: key.verify(signed, digest, padding.PKCS1v15(), of_file)),
        ]
    if isinstance(key, ec.EllipticCurvePublicKey):
        return [("ecdsa", lambda: key.verify(signed, digest, ec.ECDSA(of_file)))]
    raise _NotVerifiable("the key of the certificate is neither RSA nor of an elliptic curve for ECDSA")


def _notes(certificate: x509.Certificate, now: datetime) -> str:
    """What is worth knowing beside, and refuses nothing."""
    from cryptography.hazmat.primitives.asymmetric import rsa

    notes = []
    if certificate.not_valid_after_utc < now.astimezone(UTC):
        notes.append(f"its certificate ended {certificate.not_valid_after_utc:%Y-%m-%d}")
    elif certificate.not_valid_before_utc > now.astimezone(UTC):
        notes.append(f"its certificate begins {certificate.not_valid_before_utc:%Y-%m-%d}")
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < _WEAK_RSA_BITS:
        notes.append(f"its key has only {key.key_size} bits")
    return "".join(f"; {note}" for note in notes)
