"""How certificates are made: authorities, servers' and stations' leaves, always with SHA-256 and PKCS#1 v1.5 or ECDSA.

RSA-PSS, which the whitepaper recommends (A00.FR.505), is refused by the certification tool and by stations.
It knows no files and does not judge who may have a certificate.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, get_args

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

Algorithm = Literal["rsa", "ecdsa"]
ALGORITHMS: tuple[Algorithm, ...] = get_args(Algorithm)
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey

# A clock without battery starts in 1970, on either side: what we issue has always been valid (libocpp PR#1156).
ALWAYS = datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)
# An earlier clock than the program is wrong, and would shorten what is issued; a later one than this cannot be written.
_EARLIEST_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_LATEST_NOW = datetime(9900, 1, 1, tzinfo=UTC)
_AUTHORITY_YEARS = 30
_ROOT_BITS = 3072
_LEAF_BITS = 2048
_HOST_NAME = re.compile(r"[a-z0-9*_-]+(\.[a-z0-9_-]+)*")
_LONGEST_COMMON_NAME = 64  # X.520 ub-common-name


@dataclass(frozen=True, slots=True)
class Issuer:
    """A certificate whose key signs."""

    certificate: x509.Certificate
    key: Key

    @property
    def algorithm(self) -> Algorithm:
        """What its signatures are."""
        return algorithm_of(self.key.public_key())


def algorithm_of(key: PublicKey) -> Algorithm:
    """What a key of this type signs with."""
    return "rsa" if isinstance(key, rsa.RSAPublicKey) else "ecdsa"


def make_key(algorithm: Algorithm, *, bits: int = _LEAF_BITS) -> Key:
    """A new private key: RSA, or EC on P-256."""
    if algorithm == "rsa":
        return rsa.generate_private_key(65537, bits)
    return ec.generate_private_key(ec.SECP256R1())


def make_issuers(now: datetime) -> tuple[Issuer, ...]:
    """A new RSA root, and an EC authority below it, so that stations need to trust one certificate only."""
    word = f"{x509.random_serial_number():x}"[:8]
    end = years_later(now, _AUTHORITY_YEARS)
    root_key, lower_key = make_key("rsa", bits=_ROOT_BITS), make_key("ecdsa")
    name = _named(f"Charging site {word}")
    identifier = x509.SubjectKeyIdentifier.from_public_key(root_key.public_key())
    root = Issuer(
        _certify_authority(name, root_key.public_key(), identifier, name, identifier, root_key, end), root_key
    )
    lower_name, lower_public = _named(f"Charging site {word} EC"), lower_key.public_key()
    lower_identifier = x509.SubjectKeyIdentifier.from_public_key(lower_public)
    lower = _certify_authority(lower_name, lower_public, lower_identifier, name, identifier, root_key, end)
    return root, Issuer(lower, lower_key)


def vouch_for(top: x509.Certificate, by: Issuer) -> x509.Certificate:
    """The same authority as `top`, this time signed by `by`: a bridge for who knows only `by`."""
    end = min(top.not_valid_after_utc, by.certificate.not_valid_after_utc)
    of_top, of_issuer = _identifier_of(top), _identifier_of(by.certificate)
    return _certify_authority(top.subject, _public_key_of(top), of_top, by.certificate.subject, of_issuer, by.key, end)


def certify_station(issuer: Issuer, subject: x509.Name, key: PublicKey, *, end: datetime) -> x509.Certificate:
    """A client certificate; it never outlives its issuer."""
    return _certify_leaf(issuer, subject, key, end, ExtendedKeyUsageOID.CLIENT_AUTH, ())


def certify_server(issuer: Issuer, names: Sequence[str], key: PublicKey, *, end: datetime) -> x509.Certificate:
    """A server certificate; the common name is the first of `names` that fits into one."""
    fitting = next((name for name in names if 0 < len(name) <= _LONGEST_COMMON_NAME), "ocpp-gateway")
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, fitting)])
    return _certify_leaf(issuer, subject, key, end, ExtendedKeyUsageOID.SERVER_AUTH, general_names(names))


def general_names(names: Sequence[str]) -> list[x509.GeneralName]:
    """Names and addresses as a certificate lists them, without repetition. ValueError for what is neither."""
    found: list[x509.GeneralName] = []
    for name in dict.fromkeys(names):
        try:
            found.append(x509.IPAddress(ipaddress.ip_address(name)))
        except ValueError:
            written = name.rstrip(".").encode("idna").decode("ascii").lower()
            if not _HOST_NAME.fullmatch(written):
                raise ValueError(f"{name!r} is neither a host name nor an address") from None
            found.append(x509.DNSName(written))
    return found


def years_later(now: datetime, years: int) -> datetime:
    """The end of what is issued now, in whole seconds."""
    return min(max(now, _EARLIEST_NOW), _LATEST_NOW).replace(microsecond=0) + timedelta(days=365 * years)


def key_text(key: Key) -> str:
    """A private key as PEM, not encrypted."""
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode("ascii")


def belongs(certificate: x509.Certificate, key: Key) -> bool:
    """True when the certificate is of this key."""
    return _key_bytes(certificate.public_key()) == _key_bytes(key.public_key())  # type: ignore[arg-type]


def is_self_signed(certificate: x509.Certificate) -> bool:
    """True for a root, as far as its names say."""
    return certificate.subject == certificate.issuer


def _certify_leaf(
    issuer: Issuer,
    subject: x509.Name,
    key: PublicKey,
    end: datetime,
    purpose: x509.ObjectIdentifier,
    names: Sequence[x509.GeneralName],
) -> x509.Certificate:
    by, identifier = issuer.certificate, x509.SubjectKeyIdentifier.from_public_key(key)
    builder = _begun(subject, key, identifier, by.subject, _identifier_of(by), min(end, by.not_valid_after_utc))
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    usage = _key_usage(digital_signature=True, key_encipherment=algorithm_of(key) == "rsa")
    builder = builder.add_extension(usage, critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(issuer.key, hashes.SHA256(), rsa_padding=_padding(issuer.key))


def _certify_authority(
    name: x509.Name,
    key: PublicKey,
    identifier: x509.SubjectKeyIdentifier,
    by_name: x509.Name,
    by_identifier: x509.SubjectKeyIdentifier,
    by_key: Key,
    end: datetime,
) -> x509.Certificate:
    usage = _key_usage(key_cert_sign=True, crl_sign=True)
    builder = _begun(name, key, identifier, by_name, by_identifier, end)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    return builder.add_extension(usage, critical=True).sign(by_key, hashes.SHA256(), rsa_padding=_padding(by_key))


def _begun(
    subject: x509.Name,
    key: PublicKey,
    identifier: x509.SubjectKeyIdentifier,
    by_name: x509.Name,
    by_identifier: x509.SubjectKeyIdentifier,
    end: datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by_name)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(ALWAYS)
        .not_valid_after(end)
        .add_extension(identifier, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(by_identifier), critical=False)
    )


def _identifier_of(certificate: x509.Certificate) -> x509.SubjectKeyIdentifier:
    """What others must name as their authority's key: an imported authority may have counted it in its own way."""
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    except (x509.ExtensionNotFound, ValueError):
        return x509.SubjectKeyIdentifier.from_public_key(_public_key_of(certificate))


def _public_key_of(certificate: x509.Certificate) -> PublicKey:
    key = certificate.public_key()
    if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        raise ValueError("the key is neither RSA nor EC")
    return key


def _padding(key: Key) -> padding.PKCS1v15 | None:
    return padding.PKCS1v15() if isinstance(key, rsa.RSAPrivateKey) else None


def _key_usage(**allowed: bool) -> x509.KeyUsage:
    names = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
        "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**{name: allowed.get(name, False) for name in names})


def _named(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "ocpp-gateway"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _key_bytes(key: PublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
