"""The gateway's own server certificates, one RSA and one EC, signed by the site's authority.

Made when missing, when the names or the authority are others, and well before their end. A key stays when its
certificate is renewed, for stations that remember the key. Which names the site has is not known here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509

from gateway.pki import secret_files
from gateway.pki.authority import Authority, ensure_authority, keys_in
from gateway.pki.certificate_facts import Unreadable, certificates_in, pem_of
from gateway.pki.issuing import (
    ALGORITHMS,
    Algorithm,
    Key,
    algorithm_of,
    belongs,
    certify_server,
    general_names,
    key_text,
    make_key,
    years_later,
)

_YEARS = 5
_RENEWED_BEFORE_END = timedelta(days=365)


def ensure_server_certificates(directory: Path, names: Sequence[str], now: datetime) -> list[tuple[Path, Path]]:
    """(chain file, key file) of the RSA and then the EC certificate for `names`; `directory` is `<data>/pki`.

    The common name is the first name; all names and addresses are alternative names. A chain is the leaf, then what
    leads to the root. Raises ValueError when there is no name or one is none, OSError, BrokenAuthority.
    """
    if not names:
        raise ValueError("a server certificate needs a name")
    wanted = general_names(names)
    authority = ensure_authority(directory, now)
    with secret_files.locked(directory):
        return [_ensure(directory, authority, algorithm, names, wanted, now) for algorithm in ALGORITHMS]


def server_certificate_files(directory: Path) -> list[Path]:
    """The chain files that are there."""
    files = (_chain_file(directory, algorithm) for algorithm in ALGORITHMS)
    return [file for file in files if file.exists()]


def server_names(directory: Path) -> list[str]:
    """Names and addresses in the certificate that is there, the common name first; none when there is none."""
    chain = next(iter(_stored_chain(file) for file in server_certificate_files(directory)), [])
    return [str(name.value) for name in _names_of(chain[0])] if chain else []


def _ensure(
    directory: Path,
    authority: Authority,
    algorithm: Algorithm,
    names: Sequence[str],
    wanted: list[x509.GeneralName],
    now: datetime,
) -> tuple[Path, Path]:
    chain_file = _chain_file(directory, algorithm)
    key_file = chain_file.with_suffix(".key")
    key = _stored_key(key_file, algorithm)
    if key is None:
        key = make_key(algorithm)
        secret_files.write(key_file, key_text(key))
    issuer = authority.issuer_for(algorithm)
    above = authority.path_above(issuer)
    chain = _stored_chain(chain_file)
    leaf_serves = (
        bool(chain)
        and belongs(chain[0], key)
        and _names_of(chain[0]) == wanted
        and chain[0].not_valid_after_utc - now > _needed_rest(issuer.certificate, now)
    )
    if not leaf_serves or chain[1:] != above:
        leaf = certify_server(issuer, names, key.public_key(), end=years_later(now, _YEARS))
        secret_files.write(chain_file, pem_of([leaf, *above]))
    return chain_file, key_file


def _needed_rest(issuer: x509.Certificate, now: datetime) -> timedelta:
    """How long a certificate must go on; near the end of its issuer a new one would end as soon."""
    return min(_RENEWED_BEFORE_END, issuer.not_valid_after_utc - now - timedelta(seconds=1))


def _stored_key(file: Path, algorithm: Algorithm) -> Key | None:
    try:
        key = keys_in(file.read_text("ascii"))[0]
    except (FileNotFoundError, ValueError):
        return None
    return key if algorithm_of(key.public_key()) == algorithm else None


def _stored_chain(file: Path) -> list[x509.Certificate]:
    try:
        return certificates_in(file.read_text("ascii"))
    except (FileNotFoundError, UnicodeDecodeError, Unreadable):
        return []


def _names_of(leaf: x509.Certificate) -> list[x509.GeneralName]:
    try:
        return list(leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except (x509.ExtensionNotFound, ValueError):
        return []


def _chain_file(directory: Path, algorithm: Algorithm) -> Path:
    return directory / f"server-{algorithm}.pem"
