"""What ChangeConfiguration of AuthorizationKey and SecurityProfile changes in what a station has to prove.

A station may act on a request before it has answered, and an answer may be lost. So from the moment it is sent, the new
password or the higher profile counts beside the old one; Accepted makes a new password the only one, its first use does
so otherwise, and a higher profile is the only one from its first connection on (white paper A01, A05).
"""

from __future__ import annotations

import asyncio

from gateway.model.calls import Payload
from gateway.model.identities import StationId
from gateway.model.instants import Instant
from gateway.model.proofs import Proof
from gateway.ocpp.v16.to_station import StatusAnswer
from gateway.operations.known_stations import find_settings
from gateway.operations.orders import Order, Result
from gateway.operations.site import Site
from gateway.rules.security_profiles import higher_profile, what_a_profile_lacks
from gateway.rules.station_passwords import key_bytes, looks_like_a_key
from gateway.store import events, issued_certificates, security_changes, stations
from gateway.store.passwords import hash_password
from gateway.store.writing import Writing

_PASSWORD = "authorizationkey"
_PROFILE = "securityprofile"


async def hash_of_new_password(action: str, payload: Payload) -> str | None:
    """The hash of the password that the request sets, None for every other request; not for units of work."""
    value = payload.get("value")
    if _key_changed(action, payload) != _PASSWORD or not isinstance(value, str) or not value:
        return None
    return await asyncio.to_thread(hash_password, key_bytes(value.encode("utf-8", "replace")))


def expect_security(db: Writing, site: Site, order: Order, now: Instant) -> None:
    """A new password, or a higher profile, is on its way to the station."""
    if order.new_password_hash is not None:
        security_changes.expect_password(db, order.station, order.command_id, order.new_password_hash, now=now)
    elif _key_changed(order.action, order.payload) == _PROFILE:
        in_force = find_settings(db, site.configuration, order.station).security_profile
        profile = higher_profile(order.payload.get("value"), in_force=in_force)
        if profile is not None:
            security_changes.expect_profile(db, order.station, order.command_id, profile, now=now)


def heed_security(db: Writing, site: Site, order: Order, result: Result, now: Instant) -> None:
    """What the station's answer means for what was sent."""
    station, command_id = order.station, order.command_id
    match result.answer:
        case StatusAnswer("Accepted") if order.new_password_hash is not None:
            _count_password(db, station, order.new_password_hash, by=order.actor, now=now)
        case StatusAnswer("Accepted"):
            security_changes.answered(db, station, command_id, "Accepted")
        case StatusAnswer("RebootRequired"):
            security_changes.answered(db, station, command_id, "RebootRequired")
        case None if result.status in ("unanswered", "answered"):
            security_changes.answered(db, station, command_id, "lost")
        case _:
            security_changes.drop(db, station, command_id)


def warn_of_security(db: Writing, site: Site, order: Order) -> str | None:
    """What looks wrong about a change of security; it stops nothing."""
    value = order.payload.get("value")
    match _key_changed(order.action, order.payload):
        case "authorizationkey" if isinstance(value, str) and not looks_like_a_key(value):
            return "AuthorizationKey should be 32 to 40 hexadecimal digits: 16 to 20 bytes"
        case "securityprofile":
            if value not in ("0", "1", "2", "3"):
                return "SecurityProfile should be one digit from 0 to 3"
            settings = find_settings(db, site.configuration, order.station)
            row = stations.find(db, order.station)
            coming = security_changes.of_station(db, order.station)
            return what_a_profile_lacks(
                int(value),
                in_force=settings.security_profile,
                has_password=settings.password_file is not None
                or (row is not None and row.password_hash is not None)
                or any(change.password_hash is not None for change in coming),
                has_certificate=site.configuration.ocpp.tls is None
                or site.configuration.ocpp.tls.client_ca is not None
                or issued_certificates.may_have_one(db, order.station),
                has_tls_port=site.configuration.ocpp.tls is not None,
            )
    return None


def settle(db: Writing, site: Site, station: StationId, proof: Proof, *, now: Instant) -> None:
    """The station is connected: what it used counts from now on, and what it did not use of the old does not."""
    changes = security_changes.of_station(db, station)
    if not changes:
        return
    in_force = find_settings(db, site.configuration, station).security_profile
    if proof.profile > in_force and any(change.profile == proof.profile for change in changes):
        stations.set_run_time_values(db, station, {"security_profile": proof.profile})
        security_changes.drop_profiles(db, station, up_to=proof.profile)
        data: dict[str, object] = {"security_profile": proof.profile, "before": in_force, "actor": "station"}
        events.append(db, "station.security_changed", station=station, happened_at=now, recorded_at=now, data=data)
    if any(change.password_hash == proof.password_hash for change in changes if change.password_hash):
        assert proof.password_hash is not None
        _count_password(db, station, proof.password_hash, by="station", now=now)
    elif proof.profile in (1, 2):
        security_changes.drop_passwords(db, station, only_lost=True)


def _count_password(db: Writing, station: StationId, password_hash: str, *, by: str, now: Instant) -> None:
    """From now on this password alone counts."""
    stations.set_password_hash(db, station, password_hash)
    security_changes.drop_passwords(db, station)
    data = {"password": True, "actor": by}
    events.append(db, "station.security_changed", station=station, happened_at=now, recorded_at=now, data=data)


def _key_changed(action: str, payload: Payload) -> str | None:
    """The configuration key that the request changes; key names compare case-insensitively (CiString50)."""
    key = payload.get("key")
    return key.casefold() if action == "ChangeConfiguration" and isinstance(key, str) else None
