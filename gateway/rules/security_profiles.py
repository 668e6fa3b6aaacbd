"""May this connection be the station's, and over which security profile? (security white paper A00, A05)

One profile counts for a station; after it was told to use a higher one both count until the first connection over the
higher one, then only that one: a lost answer locks nobody out, and nobody gets back down by way of OCPP.
Whether a password is right was found out before (hashing takes long).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gateway.model.instants import SECOND, Instant
from gateway.model.proofs import ClientCertificate

Password = Literal["none", "right", "wrong", "wrong_user", "not_set"]

HIGHEST = 3
INVALID_CERTIFICATE = "InvalidChargePointCertificate"
FAILED_LOGIN = "FailedToAuthenticateAtCentralSystem"
WRONG_PROFILE = "WrongSecurityProfile"

_HOUR = 3_600 * SECOND
# 2026-01-01: a machine that shows an earlier time has no battery for its clock and has not been told the time yet
_NO_EARLIER_THAN = Instant(1_767_225_600 * SECOND)

_PASSWORD_REASONS: dict[Password, str] = {
    "none": "credentials are needed",
    "wrong": "wrong password",
    "wrong_user": "the user name must be the station's identity",
    "not_set": "no password is set for this station",
}


@dataclass(frozen=True, slots=True)
class Expected:
    """What a station has to prove.

    `coming`: higher profiles that it was told to use and has not used yet. `names`: the common names that its
    certificate may have. `organization`: what O must contain (A00.FR.404), None where that is not asked for.
    """

    profile: int
    coming: frozenset[int] = frozenset()
    names: frozenset[str] = frozenset()
    organization: str | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """What the connection shows. `names_another`: the certificate is another station's, by name or as it was issued.

    `revoked`: the gateway has taken the certificate back.
    """

    encrypted: bool
    password: Password = "none"
    certificate: ClientCertificate | None = None
    names_another: bool = False
    revoked: bool = False


@dataclass(frozen=True, slots=True)
class Admitted:
    """It is the station, over this profile."""

    profile: int


@dataclass(frozen=True, slots=True)
class Refused:
    """It may not connect: HTTP status, a reason in words, and the type of the security event."""

    status: int
    reason: str
    event: str


def profiles_possible(expected: Expected, *, encrypted: bool) -> tuple[int, ...]:
    """The profiles that a connection over this transport may use, the highest first."""
    profiles = sorted({expected.profile, *expected.coming}, reverse=True)
    return tuple(profile for profile in profiles if (profile >= 2) is encrypted)


def asks_for_password(expected: Expected, *, encrypted: bool) -> bool:
    """Whether it matters which password was presented."""
    return any(profile in (1, 2) for profile in profiles_possible(expected, encrypted=encrypted))


def how_to_admit(
    expected: Expected, shown: Shown, *, now: Instant, clock_is_behind: bool = False
) -> Admitted | Refused:
    """Whether the connection may be the station's, and over which profile."""
    possible = profiles_possible(expected, encrypted=shown.encrypted)
    if not possible:
        reason = "this station must connect without TLS" if shown.encrypted else "this station must connect with TLS"
        return Refused(403, reason, WRONG_PROFILE)
    refusals = []
    for profile in possible:
        if profile == HIGHEST:
            refusal = _refused_certificate(expected, shown, now=now, clock_is_behind=clock_is_behind)
        else:
            refusal = _refused_password(shown.password) if profile else None
        if refusal is None:
            return Admitted(profile)
        refusals.append(refusal)
    # who shows no certificate did not try the profile that needs one
    return refusals[0] if shown.certificate is not None else refusals[-1]


def higher_profile(value: object, *, in_force: int) -> int | None:
    """The profile that ChangeConfiguration(SecurityProfile) leads up to; a lower one is not followed (None)."""
    text = value.strip() if isinstance(value, str) else ""
    return int(text) if text in ("1", "2", "3") and int(text) > in_force else None


def what_a_profile_lacks(
    profile: int, *, in_force: int, has_password: bool, has_certificate: bool, has_tls_port: bool
) -> str | None:
    """What will keep a station out that follows the request to use `profile`, or what is odd about it."""
    if profile <= in_force:
        return f"the station is expected with security profile {in_force}: a request does not lower it"
    lacks = []
    if profile in (1, 2) and not has_password:
        lacks.append("the station has no password here")
    if profile == HIGHEST and not has_certificate:
        lacks.append("no certificate of the station is known here")
    if profile >= 2 and not has_tls_port:
        lacks.append("there is no TLS port ([ocpp.tls])")
    if lacks:
        return f"security profile {profile}: {' and '.join(lacks)}"
    if profile > in_force + 1:
        return f"security profile {profile}: stations may go up one step at a time only"
    return None


def is_clock_behind(now: Instant, *, latest_known: Instant) -> bool:
    """Whether the machine's clock shows a time that has certainly gone by.

    Then nobody can say whether a certificate is valid now, and a site without a network must not lose its stations.
    """
    return now < max(latest_known - _HOUR, _NO_EARLIER_THAN)


def likely_now(now: Instant, *, latest_known: Instant) -> Instant:
    """The clock, or the latest time that has certainly gone by when the clock shows less."""
    return Instant(max(now, latest_known - _HOUR, _NO_EARLIER_THAN))


def _refused_password(password: Password) -> Refused | None:
    if password == "right":
        return None
    return Refused(401, _PASSWORD_REASONS[password], FAILED_LOGIN)


def _refused_certificate(expected: Expected, shown: Shown, *, now: Instant, clock_is_behind: bool) -> Refused | None:
    """TLS has verified who signed it, and its time where the clock can be trusted."""
    certificate = shown.certificate
    if certificate is None:
        return Refused(403, "a client certificate is needed", INVALID_CERTIFICATE)
    reason = None
    if shown.revoked:
        reason = "the certificate was revoked"
    elif certificate.not_after < now:
        reason = "the certificate has expired"
    elif certificate.not_before > now and not clock_is_behind:
        reason = "the certificate is not yet valid"
    elif shown.names_another or certificate.common_name not in expected.names:
        reason = f"the certificate belongs to {certificate.common_name[:64]!r}"
    elif expected.organization is not None and not any(
        expected.organization.casefold() in organization.casefold() for organization in certificate.organizations
    ):
        reason = "the certificate names another organization"
    return None if reason is None else Refused(403, reason, INVALID_CERTIFICATE)
