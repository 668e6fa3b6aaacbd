"""Certificates for stations: their signing requests read and judged, and signed by the newest authority.

Whether this station may have this name is decided elsewhere; here it counts that the request is sound.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from gateway.pki.authority import ensure_authority
from gateway.pki.certificate_facts import blocks_in, common_name_of, facts_of, pem_of
from gateway.pki.issuing import (
    Algorithm,
    Issuer,
    PublicKey,
    algorithm_of,
    certify_station,
    key_text,
    make_key,
    years_later,
)
from gateway.pki.strength import weakness_of_hash, weakness_of_key

LONGEST_REQUEST = 5500  # SignCertificate.req, in characters

_YEARS = 5
_LONGEST_COMMON_NAME = 64
# What of the request's name is kept besides its common name; whatever else it says is ours to decide.
_KEPT = (NameOID.COUNTRY_NAME, NameOID.ORGANIZATION_NAME, NameOID.ORGANIZATIONAL_UNIT_NAME)


@dataclass(frozen=True, slots=True)
class SigningRequest:
    """A sound request: PEM with LF line ends, the common name, and what its key signs with."""

    pem: str
    common_name: str
    algorithm: Algorithm


@dataclass(frozen=True, slots=True)
class Unusable:
    """Why a request cannot be processed, in words."""

    reason: str


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate that was issued. `chain`: PEM of the leaf and its issuer; `algorithm`: of its signature."""

    chain: str
    leaf: str
    common_name: str
    serial_number: str
    fingerprint: str
    algorithm: Algorithm
    not_before: datetime
    not_after: datetime


def read_signing_request(text: str) -> SigningRequest | Unusable:
    """The request in a PEM text, its signature and strength checked; never raises."""
    if len(text) > LONGEST_REQUEST:
        return Unusable(f"longer than {LONGEST_REQUEST} characters")
    blocks = blocks_in(text, "CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST")
    if len(blocks) != 1:
        return Unusable("not one certificate request in PEM form")
    try:
        return _judged(x509.load_pem_x509_csr(blocks[0].encode("ascii")), blocks[0])
    except (ValueError, UnsupportedAlgorithm) as error:
        return Unusable(f"a broken certificate request ({error})"[:200])


def sign_request(directory: Path, pem: str, *, algorithm: Algorithm, now: datetime) -> Issued:
    """Sign a request that was read before, with this algorithm if the authority can: OSError, BrokenAuthority."""
    request = x509.load_pem_x509_csr(pem.encode("ascii"))
    issuer = ensure_authority(directory, now).issuer_for(algorithm)
    return _issue(issuer, _kept_name(request.subject), _usable(request.public_key()), now)


def make_certificate(directory: Path, common_name: str, *, algorithm: Algorithm, now: datetime) -> tuple[str, Issued]:
    """(private key, certificate) for a station that cannot make a request; the key is kept nowhere."""
    issuer = ensure_authority(directory, now).issuer_for(algorithm)
    key = make_key(algorithm)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    return key_text(key), _issue(issuer, name, key.public_key(), now)


def _judged(request: x509.CertificateSigningRequest, pem: str) -> SigningRequest | Unusable:
    key = request.public_key()
    weakness = weakness_of_key(key) or weakness_of_hash(request)
    if weakness:
        return Unusable(weakness)
    if not request.is_signature_valid:
        return Unusable("its signature is not of its own key")
    name = common_name_of(request.subject)
    if not 0 < len(name) <= _LONGEST_COMMON_NAME or not name.isprintable() or name != name.strip():
        return Unusable("expected exactly one common name, of 1 to 64 printable characters")
    return SigningRequest(pem, name, algorithm_of(_usable(key)))


def _issue(issuer: Issuer, name: x509.Name, key: PublicKey, now: datetime) -> Issued:
    leaf = certify_station(issuer, name, key, end=years_later(now, _YEARS))
    facts = facts_of(leaf)
    return Issued(
        chain=pem_of([leaf, issuer.certificate]),
        leaf=pem_of([leaf]),
        common_name=facts.common_name,
        serial_number=facts.serial_number,
        fingerprint=facts.fingerprint,
        algorithm=issuer.algorithm,
        not_before=facts.not_before,
        not_after=facts.not_after,
    )


def _kept_name(name: x509.Name) -> x509.Name:
    kept = [x509.NameAttribute(NameOID.COMMON_NAME, common_name_of(name))]
    for kind in _KEPT:
        for found in name.get_attributes_for_oid(kind)[:1]:
            with suppress(ValueError):  # longer than it may be
                kept.insert(0, x509.NameAttribute(kind, str(found.value)))
    return x509.Name(kept)


def _usable(key: object) -> PublicKey:
    assert isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey)
    return key
