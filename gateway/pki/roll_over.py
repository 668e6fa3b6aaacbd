"""A new generation of the authority: made here, or the operator's own intermediate authority imported.

The former generation vouches for the new root before its key is destroyed. The gateway shows this bridge in its TLS
chain, so that a station that knows only the former root still believes it, and one that has the new root does as well.
Stations can so be given the new root at leisure, before the former one ends. What was issued stays valid.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from gateway.pki import secret_files
from gateway.pki.authority import (
    Authority,
    BrokenAuthority,
    forget_keys,
    generations,
    keys_in,
    load,
    write_generation,
)
from gateway.pki.certificate_facts import Unreadable, certificates_in, facts_of
from gateway.pki.issuing import Issuer, belongs, is_self_signed, make_issuers, vouch_for
from gateway.pki.strength import weakness_of_hash, weakness_of_key

_MOST_ABOVE = 8


class Unfit(Exception):
    """What shall be imported cannot be the site's authority; the text says why. Nothing was changed."""


def renew_authority(directory: Path, now: datetime) -> Authority:
    """Make a new generation. Raises OSError."""
    return _begin_generation(directory, make_issuers(now), (), now)


def import_authority(directory: Path, parts: Sequence[tuple[str, str]], now: datetime) -> Authority:
    """Let the operator's own authority issue: (key, chain) as PEM, one RSA, one EC, or both. Raises Unfit, OSError.

    A chain begins with the certificate of the key; what follows leads to its root and ends with it: without the root
    there is no bridge for stations that know the former one, and of two roots a station might know only one.
    """
    issuers: list[Issuer] = []
    above: list[x509.Certificate] = []
    roots: set[x509.Certificate] = set()
    for key_pem, chain_pem in parts:
        issuer, higher = _read(key_pem, chain_pem, now)
        if any(other.algorithm == issuer.algorithm for other in issuers):
            raise Unfit("two authorities with the same type of key: expected one RSA and one EC")
        issuers.append(issuer)
        roots.add((issuer.certificate, *higher)[-1])
        above += [one for one in higher if one not in above]
    if not issuers:
        raise Unfit("a key and a chain are needed")
    if not all(is_self_signed(root) for root in roots):
        raise Unfit("the chain does not end with a root: add the root's certificate at its end")
    if len(roots) > 1:
        raise Unfit("the two chains end with different roots: stations must need one only")
    return _begin_generation(directory, issuers, above, now)


def _begin_generation(
    directory: Path, issuers: Sequence[Issuer], above: Sequence[x509.Certificate], now: datetime
) -> Authority:
    with secret_files.locked(directory):
        numbers = generations(directory)
        number = numbers[-1] + 1 if numbers else 1
        former = _former(directory) if numbers else None
        new = Authority(number, tuple(issuers), tuple(above))
        bridges = [] if former is None else _bridges(former, new.root(), now)
        write_generation(directory, number, issuers, [*above, *bridges][:_MOST_ABOVE])
        forget_keys(directory, before=number)
    return load(directory)


def _former(directory: Path) -> Authority | None:
    """The generation that ends now; None when its files are damaged: a new one is the way out of that."""
    try:
        return load(directory)
    except (OSError, BrokenAuthority):
        return None


def _bridges(former: Authority, root: x509.Certificate, now: datetime) -> list[x509.Certificate]:
    """From the new root to those that stations know already; none when it is one of them."""
    issuer = former.issuers[0]
    if not is_self_signed(root) or root.public_key() == former.root().public_key():
        return []
    older = [one for one in former.path_above(issuer) if not is_self_signed(one)]
    return [vouch_for(root, issuer), *(one for one in older if one.not_valid_after_utc > now)]


def _read(key_pem: str, chain_pem: str, now: datetime) -> tuple[Issuer, list[x509.Certificate]]:
    try:
        keys = keys_in(key_pem)
        chain = certificates_in(chain_pem)
    except (ValueError, Unreadable) as error:
        raise Unfit(str(error)) from None
    first = chain[0]
    if len(keys) != 1:
        raise Unfit("more than one private key")
    if not belongs(first, keys[0]):
        raise Unfit("the first certificate of the chain is not of this key")
    _expect_authority(first, now)
    for lower, higher in pairwise(chain):
        try:
            lower.verify_directly_issued_by(higher)
        except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
            raise Unfit(f"{_name(lower)} is not issued by {_name(higher)}, which follows it in the chain") from None
        _expect_authority(higher, now)
    return Issuer(first, keys[0]), chain[1:]


def _expect_authority(certificate: x509.Certificate, now: datetime) -> None:
    facts = facts_of(certificate)
    weakness = weakness_of_key(certificate.public_key())
    if weakness is None and not is_self_signed(certificate):
        weakness = weakness_of_hash(certificate)
    if weakness:
        raise Unfit(f"{_name(certificate)}: {weakness}")
    if not facts.is_authority or not _may_sign(certificate):
        raise Unfit(f"{_name(certificate)} may not sign certificates")
    if facts.not_after <= now:
        raise Unfit(f"{_name(certificate)} ended on {facts.not_after:%Y-%m-%d}")


def _may_sign(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    except (x509.ExtensionNotFound, ValueError):
        return True


def _name(certificate: x509.Certificate) -> str:
    return certificate.subject.rfc4514_string() or "a certificate without name"
