"""Is a key or a signature too weak to be relied on? RSA from 2048 bits, EC from 224 (whitepaper A00.FR.501-503)."""

from __future__ import annotations

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa

_LEAST_RSA_BITS = 2048
_MOST_RSA_BITS = 16_384  # checking its signature takes ever longer
_LEAST_EC_BITS = 224
_HASHES = frozenset({"sha224", "sha256", "sha384", "sha512"})


def weakness_of_key(key: object) -> str | None:
    """What is wrong with a public key; None: nothing."""
    if isinstance(key, rsa.RSAPublicKey):
        if not _LEAST_RSA_BITS <= key.key_size <= _MOST_RSA_BITS:
            return f"an RSA key of {key.key_size} bits: expected {_LEAST_RSA_BITS} or more"
        return "an RSA key with a weak exponent" if key.public_numbers().e < 3 else None
    if isinstance(key, ec.EllipticCurvePublicKey):
        if key.key_size < _LEAST_EC_BITS:
            return f"an EC key of {key.key_size} bits: expected {_LEAST_EC_BITS} or more"
        return None
    return "the key is neither RSA nor EC"


def weakness_of_hash(signed: x509.Certificate | x509.CertificateSigningRequest) -> str | None:
    """What is wrong with the hash under a signature; None: nothing."""
    try:
        algorithm = signed.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return "signed in a way that nobody knows"
    if algorithm is None or algorithm.name not in _HASHES:
        return f"signed with {algorithm.name if algorithm else 'an unknown hash'}: expected SHA-256 or stronger"
    return None
