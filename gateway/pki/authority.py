"""The site's own certificate authority on disk: made when first needed, one generation after another.

A generation N is `authority-N.pem` (its certificates that issue, the last file written), `authority-N.key` (their keys)
and `authority-N.above.pem` (certificates that lead from it to higher or earlier roots; shown to stations, trusted by
nobody here). The newest generation issues. Earlier ones stay trusted until their end; their keys are gone.
How generations follow each other: `roll_over`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from gateway.pki import secret_files
from gateway.pki.certificate_facts import Unreadable, blocks_in, certificates_in, pem_of
from gateway.pki.issuing import Algorithm, Issuer, Key, belongs, is_self_signed, key_text, make_issuers

_NAME = re.compile(r"authority-(\d{4,9})\.pem")
_KEY_LABELS = ("PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY")


class BrokenAuthority(Exception):
    """The authority's files cannot be used; the text says which and why."""


@dataclass(frozen=True, slots=True)
class Authority:
    """The newest generation; `above` leads from it to higher or earlier roots."""

    number: int
    issuers: tuple[Issuer, ...]
    above: tuple[x509.Certificate, ...]

    def issuer_for(self, algorithm: Algorithm) -> Issuer:
        """Who signs with this algorithm; the only one there is when an imported authority knows no other."""
        return next((issuer for issuer in self.issuers if issuer.algorithm == algorithm), self.issuers[0])

    def root(self) -> x509.Certificate:
        """What a station must trust to believe this generation."""
        own = [issuer.certificate for issuer in self.issuers]
        return next((one for one in (*own, *self.above) if is_self_signed(one)), (*own[:1], *self.above)[-1])

    def path_above(self, issuer: Issuer) -> list[x509.Certificate]:
        """What is sent after a leaf of `issuer`: the way to the newest root, and from there to earlier ones."""
        path = [one for one in (issuer.certificate, *self.above) if not is_self_signed(one)]
        return path or [issuer.certificate]


def ensure_authority(directory: Path, now: datetime) -> Authority:
    """The authority in `directory` (`<data>/pki`), made when there is none. Raises OSError, BrokenAuthority."""
    if not generations(directory):
        with secret_files.locked(directory):
            if not generations(directory):
                write_generation(directory, 1, make_issuers(now), ())
    return load(directory)


def load(directory: Path) -> Authority:
    """The newest generation; there must be one. Raises OSError, BrokenAuthority."""
    number = generations(directory)[-1]
    place = _place(directory, number)
    above = place.with_suffix(".above.pem")
    try:
        certificates = certificates_in(place.read_text("ascii"))
        keys = keys_in(place.with_suffix(".key").read_text("ascii"))
        higher = certificates_in(above.read_text("ascii")) if above.exists() else []
    except (ValueError, Unreadable) as error:
        raise BrokenAuthority(f"{place}: {error}") from error
    issuers = tuple(Issuer(one, key) for one in certificates for key in keys if belongs(one, key))
    if not issuers:
        raise BrokenAuthority(f"{place}: the keys beside it are of other certificates")
    return Authority(number, issuers, tuple(higher))


def generations(directory: Path) -> list[int]:
    """The numbers of the generations, oldest first."""
    try:
        names = [path.name for path in directory.iterdir()]
    except FileNotFoundError:
        return []
    return sorted(int(found[1]) for found in map(_NAME.fullmatch, names) if found)


def issuing_certificates(directory: Path) -> list[tuple[int, x509.Certificate]]:
    """Every certificate that issues or once issued, with its generation. Raises OSError, BrokenAuthority."""
    found = []
    for number in generations(directory):
        place = _place(directory, number)
        try:
            found += [(number, one) for one in certificates_in(place.read_text("ascii"))]
        except (ValueError, Unreadable) as error:
            raise BrokenAuthority(f"{place}: {error}") from error
    return found


def keys_in(text: str) -> list[Key]:
    """The private keys in a PEM text. ValueError for one that is broken, encrypted or neither RSA nor EC."""
    found: list[Key] = []
    for block in blocks_in(text, *_KEY_LABELS):
        try:
            key = serialization.load_pem_private_key(block.encode("ascii"), password=None)
        except TypeError:
            raise ValueError("the private key is encrypted") from None
        if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
            raise ValueError("the private key is neither RSA nor EC")
        found.append(key)
    if not found:
        encrypted = blocks_in(text, "ENCRYPTED PRIVATE KEY")
        raise ValueError("the private key is encrypted" if encrypted else "no private key in PEM form")
    return found


def write_generation(
    directory: Path, number: int, issuers: Sequence[Issuer], above: Sequence[x509.Certificate]
) -> None:
    """Store a generation; it counts once its last file is there. Call inside `secret_files.locked`."""
    place = _place(directory, number)
    secret_files.write(place.with_suffix(".key"), "".join(key_text(issuer.key) for issuer in issuers))
    if above:
        secret_files.write(place.with_suffix(".above.pem"), pem_of(above))
    else:
        secret_files.remove(place.with_suffix(".above.pem"))
    secret_files.write(place, pem_of([issuer.certificate for issuer in issuers]))


def forget_keys(directory: Path, *, before: int) -> None:
    """Destroy the keys of the generations before this one. Call inside `secret_files.locked`."""
    for number in generations(directory):
        if number < before:
            secret_files.remove(_place(directory, number).with_suffix(".key"))


def _place(directory: Path, number: int) -> Path:
    return directory / f"authority-{number:04d}.pem"
