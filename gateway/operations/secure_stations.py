"""Giving a station a new password and a higher security profile in one go, and telling where it stands.

The steps are ordinary commands and are heeded as such (`change_security`), so that it does not matter whether they are
asked for here or one by one. A password that was made here is in the result and nowhere else.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from gateway.model.calls import Payload
from gateway.model.identities import StationId
from gateway.model.instants import text_of
from gateway.model.proofs import ClientCertificate
from gateway.operations.carry_out_commands import Outcome, carry_out
from gateway.operations.known_stations import is_known, settings_in_force
from gateway.operations.site import Site
from gateway.store import reports_stations, security_changes

Document = dict[str, object]

_NEW_PASSWORD_BYTES = 20


@dataclass(frozen=True, slots=True)
class Wish:
    """What the station shall be told. `new_password`: one that is made here. `reset`: a hard reset at the end."""

    password: str | None = None
    new_password: bool = False
    profile: int | None = None
    reset: bool = False


@dataclass(frozen=True, slots=True)
class Secured:
    """The steps taken, by action; the last one failed unless `done`. `password`: made here, where it may count."""

    done: bool
    steps: tuple[tuple[str, Outcome], ...]
    password: str | None = None


async def secure_station(site: Site, station: str, wish: Wish, *, actor: str) -> Secured:
    """Send what was wished for, step by step, as long as the station accepts it."""
    made = secrets.token_hex(_NEW_PASSWORD_BYTES) if wish.new_password else None
    steps: list[tuple[str, Outcome]] = []
    shown = None
    for action, payload in _steps(wish, made or wish.password):
        outcome = await carry_out(site, station=station, action=action, payload=payload, actor=actor)
        steps.append((action, outcome))
        if made is not None and payload.get("value") == made and (_accepted(outcome) or outcome.status == "unanswered"):
            shown = made
        if not _accepted(outcome):
            return Secured(False, tuple(steps), shown)
    return Secured(True, tuple(steps), shown)


async def describe_security(site: Site, station: str) -> Document | None:
    """What the station has to prove, and what it proved; None when it is unknown."""
    row = (await reports_stations.rows_of(site.readers, [station])).get(station)
    if not is_known(site.configuration, station, row):
        return None
    settings = settings_in_force(site.configuration, station, row)
    changes = await security_changes.read_of_station(site.readers, station)
    keys = {str(key["key"]).casefold(): key["value"] for key in await _keys(site, station)}
    connection = site.connected.get(StationId(station))
    proof = None if connection is None else connection.proof
    tls = site.configuration.ocpp.tls
    return {
        "station": station,
        "security_profile": settings.security_profile,
        "profiles_to_come": sorted({change.profile for change in changes if change.profile is not None}),
        "has_password": settings.password_file is not None or (row is not None and row.password_hash is not None),
        "passwords_to_come": [
            {"answer": change.answer, "asked_time": text_of(change.asked_at)}
            for change in changes
            if change.password_hash is not None
        ],
        "told_profile": keys.get("securityprofile"),
        "connected_profile": None if proof is None else proof.profile,
        "certificate": None if proof is None or proof.certificate is None else shown_certificate(proof.certificate),
        "tls_port": None if tls is None else tls.port,
    }


def shown_certificate(certificate: ClientCertificate) -> Document:
    """A station's certificate as the journal and people are told of it."""
    return {
        "common_name": certificate.common_name,
        "serial_number": certificate.serial_number,
        "fingerprint": certificate.fingerprint,
        "issuer": certificate.issuer,
        "not_after": text_of(certificate.not_after),
    }


async def _keys(site: Site, station: str) -> list[Document]:
    return await reports_stations.configuration_keys(site.readers, station)


def _steps(wish: Wish, password: str | None) -> list[tuple[str, Payload]]:
    steps: list[tuple[str, Payload]] = []
    if password is not None:
        steps.append(("ChangeConfiguration", {"key": "AuthorizationKey", "value": password}))
    if wish.profile is not None:
        steps.append(("ChangeConfiguration", {"key": "SecurityProfile", "value": str(wish.profile)}))
    if wish.reset:
        steps.append(("Reset", {"type": "Hard"}))
    return steps


def _accepted(outcome: Outcome) -> bool:
    return outcome.status == "answered" and (outcome.response or {}).get("status") in ("Accepted", "RebootRequired")
