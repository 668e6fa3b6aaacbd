"""What a station proved when it connected: over which security profile, with which password, with which certificate."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.model.instants import Instant


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """What a station's certificate says. It was verified: somebody whom the gateway trusts has signed it.

    `organizations`: every O of its subject. `serial_number` and `fingerprint` (SHA-256) are hexadecimal.
    """

    common_name: str
    organizations: tuple[str, ...]
    serial_number: str
    fingerprint: str
    issuer: str
    not_before: Instant
    not_after: Instant


@dataclass(frozen=True, slots=True)
class Proof:
    """How a connection was let in. `password_hash`: of the password that was right, where it is kept as a hash."""

    profile: int = 0
    password_hash: str | None = None
    certificate: ClientCertificate | None = None
