"""Who may connect, and how is it treated? Decided in one unit of work before the upgrade; told in the journal after it.

Order (OCPP-J 1.6 3.2): unknown 404, wrong credentials 401; the sub-protocol is the door's own question.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from gateway.configuration import Configuration, StationSettings, read_secret
from gateway.model.identities import StationId
from gateway.model.treatment import Treatment
from gateway.operations.known_stations import is_known, settings_from_file, settings_in_force
from gateway.operations.site import Site
from gateway.rules.registration import Admission
from gateway.rules.station_passwords import key_bytes, presented_forms
from gateway.stations.connection import StationConnection
from gateway.stations.server import Knock, Refusal, Welcome
from gateway.store import events, station_facts, stations
from gateway.store.database import StoreUnavailable
from gateway.store.passwords import is_password
from gateway.store.writing import Writing

logger = logging.getLogger(__name__)

# OCPP-J 1.6 sets no bound; the configuration allows as much.
_LONGEST_IDENTITY = 48
_MOST_LET_IN = 10_000
# Knocking needs no password, and invented names must not fill the disk. Each is in the list of knocks all the same.
_MOST_KNOCKS_TOLD_AN_HOUR = 20


@dataclass(frozen=True, slots=True)
class _Known:
    station: StationId
    settings: StationSettings
    password_hash: str | None
    pending: bool


@dataclass(slots=True)
class _Verified:
    """Passwords that were right a moment ago, as keyed digests, so that a storm of reconnects costs no argon2."""

    key: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    digests: dict[tuple[StationId, str], bytes] = field(default_factory=dict)


def welcoming(site: Site) -> Callable[[Knock], Awaitable[Welcome | Refusal]]:
    """The function that the stations' door asks before it upgrades a connection."""
    verified = _Verified()

    async def admit(knock: Knock) -> Welcome | Refusal:
        identity = knock.identity
        if not 0 < len(identity) <= _LONGEST_IDENTITY or not identity.isprintable():
            return Refusal(404, "no station has this identity")
        try:
            known = await site.database.write(lambda db: _find(db, site, knock))
        except StoreUnavailable as error:
            logger.error("cannot look up %s: %s", identity, error)
            return Refusal(503, "the gateway cannot store anything now")
        if known is None:
            return Refusal(404, "unknown station")
        refusal = await _check_password(site, knock, known, verified)
        return refusal or Welcome(
            known.station, treatment_of(site.configuration, known.settings, pending=known.pending)
        )

    return admit


def treatment_of(configuration: Configuration, settings: StationSettings, *, pending: bool) -> Treatment:
    """How to treat a connected station with these settings."""
    ocpp = configuration.ocpp
    return Treatment(
        pending=pending,
        strict=ocpp.strict if settings.strict is None else settings.strict,
        needs_subprotocol=not (settings.allow_missing_subprotocol and settings.security_profile <= 1),
        answer_delay_seconds=settings.answer_delay_ms / 1000,
        utc_offset_minutes=settings.utc_offset_minutes,
        energy_scale=settings.energy_scale,
        remote_id_tag=settings.remote_id_tag,
        call_patience_seconds=settings.call_timeout_seconds or ocpp.call_timeout_seconds,
        quiet=settings.quiet or not ocpp.automatic_calls,
    )


def arriving(site: Site) -> Callable[[StationConnection], None]:
    """The function that the door calls when a station's connection stands."""

    def arrived(connection: StationConnection) -> None:
        now, station, address = site.wall_clock(), connection.station, connection.address

        def unit(db: Writing) -> None:
            station_facts.record_connection(db, station, now=now)
            data = {"address": address, "subprotocol": connection.subprotocol}
            events.append(db, "station.connected", station=station, happened_at=now, recorded_at=now, data=data)

        site.database.submit(unit, lambda result, error: None)

    return arrived


def leaving(site: Site) -> Callable[[StationConnection], None]:
    """The function that the door calls when a station has no connection any more."""

    def left(connection: StationConnection) -> None:
        now, station = site.wall_clock(), connection.station
        data = {"close_code": connection.close_code, "close_reason": connection.close_reason}

        def unit(db: Writing) -> None:
            events.append(db, "station.disconnected", station=station, happened_at=now, recorded_at=now, data=data)

        site.database.submit(unit, lambda result, error: None)

    return left


def _find(db: Writing, site: Site, knock: Knock) -> _Known | None:
    configuration, identity = site.configuration, knock.identity
    row = stations.find(db, identity)
    if not is_known(configuration, identity, row):
        identity = _by_alias(db, configuration, identity) or identity
        row = stations.find(db, identity)
    if not is_known(configuration, identity, row):
        if not _let_in(db, site, knock):
            return None
        identity = knock.identity
        row = stations.find(db, identity)
    elif row is None or (row.admission != "accepted" and settings_from_file(configuration, identity) is not None):
        # a station of the file connects for the first time, or for the first time since the file names it
        station_facts.admit(db, StationId(identity), origin="file", admission="accepted", now=site.wall_clock())
        row = stations.find(db, identity)
    assert row is not None
    settings = settings_in_force(configuration, identity, row)
    return _Known(row.station, settings, row.password_hash, pending=row.admission == "pending")


def _by_alias(db: Writing, configuration: Configuration, identity: str) -> str | None:
    for written in configuration.stations:
        if identity in written.aliases:
            return written.id
    row = stations.find_by_alias(db, identity)
    return row.station if row is not None else None


def _let_in(db: Writing, site: Site, knock: Knock) -> bool:
    """What becomes of a station that nobody provisioned; True when it gets a row."""
    policy, now = site.configuration.ocpp.unknown_stations, site.wall_clock()
    station, most = StationId(knock.identity), site.configuration.ocpp.max_unknown_stations
    room = _MOST_LET_IN if policy == "accept" else most
    if policy != "refuse" and station_facts.count_knocked_in(db) < room:
        admission: Admission = "accepted" if policy == "accept" else "pending"
        station_facts.admit(db, station, origin="knock", admission=admission, now=now)
        station_facts.forget_knock(db, station)
        return True
    first_time = station_facts.record_knock(db, station, knock.address, now=now, most=most)
    if first_time and station_facts.may_tell_of_knock(db, now=now, most_an_hour=_MOST_KNOCKS_TOLD_AN_HOUR):
        data = {"address": knock.address}
        events.append(db, "station.knocked", station=station, happened_at=now, recorded_at=now, data=data)
    return False


async def _check_password(site: Site, knock: Knock, known: _Known, verified: _Verified) -> Refusal | None:
    settings = known.settings
    if settings.security_profile >= 2:
        return Refusal(403, "this station must connect with TLS")
    if settings.security_profile == 0 and known.password_hash is None and settings.password_file is None:
        return None
    if knock.user is None or knock.password is None:
        return Refusal(401, "credentials are needed")
    if knock.user not in (knock.identity.encode(), known.station.encode()):
        return Refusal(401, "the user name must be the station's identity")
    for form in presented_forms(knock.password, hex_text_allowed=settings.accept_hex_password):
        if await _is_right(known, form.secret, verified):
            if form.as_hex_text:
                key = (known.station, "hex_password")
                site.quirks_seen[key] = site.quirks_seen.get(key, 0) + 1
            return None
    return Refusal(401, "wrong password")


async def _is_right(known: _Known, presented: bytes, verified: _Verified) -> bool:
    if known.password_hash is None:
        return _is_right_by_file(known, presented)
    digest = hmac.digest(verified.key, presented, hashlib.sha256)
    place = (known.station, known.password_hash)
    if hmac.compare_digest(verified.digests.get(place, b""), digest):
        return True
    if not await asyncio.to_thread(is_password, known.password_hash, presented):
        return False
    for old in [one for one in verified.digests if one[0] == known.station]:
        del verified.digests[old]
    verified.digests[place] = digest
    return True


def _is_right_by_file(known: _Known, presented: bytes) -> bool:
    if known.settings.password_file is None:
        logger.error("no password is set for a station of security profile 1", extra={"station": known.station})
        return False
    try:
        secret = read_secret(known.settings.password_file)
    except OSError as error:
        logger.error("password file not readable: %s", error, extra={"station": known.station})
        return False
    return bool(secret) and hmac.compare_digest(key_bytes(secret), presented)
