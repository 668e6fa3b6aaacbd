"""Who may connect, and how is it treated? Decided in one unit of work before the upgrade; told in the journal after it.

Order (OCPP-J 1.6 3.2): unknown 404, wrong credentials 401, wrong security profile or certificate 403; the sub-protocol
is the door's own question.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Set
from dataclasses import dataclass

from gateway.configuration import Configuration, StationSettings
from gateway.model.identities import StationId
from gateway.model.proofs import ClientCertificate, Proof
from gateway.model.treatment import Treatment
from gateway.operations.change_security import settle
from gateway.operations.check_passwords import Found, Passwords, Verified, find_password
from gateway.operations.known_stations import effective_settings, is_known, settings_from_file
from gateway.operations.secure_stations import shown_certificate
from gateway.operations.site import Site
from gateway.operations.tell_refusals import Refusals
from gateway.rules.registration import Admission
from gateway.rules.security_profiles import (
    FAILED_LOGIN,
    HIGHEST,
    Expected,
    Refused,
    Shown,
    asks_for_password,
    how_to_admit,
    is_clock_behind,
)
from gateway.rules.station_passwords import presented_forms
from gateway.stations.connection import StationConnection
from gateway.stations.server import Knock, Refusal, Welcome
from gateway.store import events, issued_certificates, security_changes, station_facts, stations
from gateway.store.database import StoreUnavailable
from gateway.store.stations import StationRow
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
    pending: bool
    passwords: Passwords
    expected: Expected
    names_another: bool  # the certificate that was shown is another station's
    revoked: bool


def welcoming(site: Site, refusals: Refusals) -> Callable[[Knock], Awaitable[Welcome | Refusal]]:
    """The function that the stations' door asks before it upgrades a connection."""
    verified = Verified()

    async def admit(knock: Knock) -> Welcome | Refusal:
        identity = knock.identity
        if not 0 < len(identity) <= _LONGEST_IDENTITY or not identity.isprintable():
            return Refusal(404, "no station has this identity")
        try:
            known = await site.database.write(lambda db: _find(db, site, knock))
            if known is None:
                return Refusal(404, "unknown station")
            proven = await _prove(site, knock, known, verified)
        except StoreUnavailable as error:
            logger.error("cannot look up %s: %s", identity, error)
            return Refusal(503, "the gateway cannot store anything now")
        if isinstance(proven, Refused):
            refusals.login(known.station, knock.address, proven)
            return Refusal(proven.status, proven.reason)
        treatment = treatment_of(site.configuration, known.settings, pending=known.pending, profile=proven.profile)
        return Welcome(known.station, treatment, proven)

    return admit


def treatment_of(configuration: Configuration, settings: StationSettings, *, pending: bool, profile: int) -> Treatment:
    """How to treat a station with these settings that is connected with this security profile."""
    ocpp = configuration.ocpp
    return Treatment(
        pending=pending,
        strict=ocpp.strict if settings.strict is None else settings.strict,
        needs_subprotocol=not (settings.allow_missing_subprotocol and profile <= 1),
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
        now, station, proof = site.wall_clock(), connection.station, connection.proof
        data = {
            "address": connection.address,
            "subprotocol": connection.subprotocol,
            "security_profile": proof.profile,
            **({} if proof.certificate is None else {"certificate": shown_certificate(proof.certificate)}),
        }

        def unit(db: Writing) -> None:
            station_facts.record_connection(db, station, now=now)
            settle(db, site, station, proof, now=now)
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
        station_facts.forget_knock(db, knock.identity)
        row = stations.find(db, identity)
    assert row is not None
    return _known(db, configuration, row, knock)


def _known(db: Writing, configuration: Configuration, row: StationRow, knock: Knock) -> _Known:
    """What a station with this row has to prove."""
    settings = effective_settings(configuration, row)
    coming = security_changes.of_station(db, row.station)
    hashes = [row.password_hash, *(change.password_hash for change in coming)]
    own = {row.station, *settings.aliases}
    names = own | {row.serial_number, row.box_serial_number, settings.certificate_common_name}
    shown = knock.certificate
    issued_to = None if shown is None else issued_certificates.station_of(db, shown.fingerprint)
    if shown is not None and issued_to == row.station:
        names.add(shown.common_name)  # a serial number that the station told in its request alone
    return _Known(
        row.station,
        settings,
        pending=row.admission == "pending",
        passwords=Passwords(
            row.station,
            tuple(one for one in hashes if one is not None),
            file=settings.password_file if row.password_hash is None else None,
        ),
        expected=Expected(
            settings.security_profile,
            frozenset(change.profile for change in coming if change.profile is not None),
            names=frozenset(name for name in names if name),
            organization=settings.certificate_organization,
        ),
        names_another=shown is not None and _is_anothers(db, configuration, shown, row.station, own, issued_to),
        revoked=shown is not None and issued_certificates.is_revoked(db, shown.fingerprint),
    )


def _is_anothers(
    db: Writing,
    configuration: Configuration,
    certificate: ClientCertificate,
    station: StationId,
    own: Set[str],
    issued_to: StationId | None,
) -> bool:
    """Was it issued here to another known station, or, from elsewhere, is its common name another's identity?"""
    if issued_to == station:
        return False
    if issued_to is not None and is_known(configuration, issued_to, stations.find(db, issued_to)):
        return True
    name = certificate.common_name
    return name not in own and is_known(configuration, name, stations.find(db, name))


def _by_alias(db: Writing, configuration: Configuration, identity: str) -> str | None:
    for written in configuration.stations:
        if identity in written.aliases:
            return written.id
    row = stations.find_by_alias(db, identity)
    return row.station if row is not None else None


def _let_in(db: Writing, site: Site, knock: Knock) -> bool:
    """What becomes of a station that nobody provisioned; True when it gets a row."""
    policy, now = site.configuration.ocpp.unknown_stations, site.wall_clock()
    by_certificate = knock.certificate is not None and knock.certificate.common_name == knock.identity
    if knock.encrypted and not by_certificate:
        policy = "refuse"  # nothing says whose connection it is
    station, most = StationId(knock.identity), site.configuration.ocpp.max_unknown_stations
    room = _MOST_LET_IN if policy == "accept" else most
    if policy != "refuse" and station_facts.count_knocked_in(db) < room:
        admission: Admission = "accepted" if policy == "accept" else "pending"
        station_facts.admit(db, station, origin="knock", admission=admission, now=now)
        if by_certificate:
            stations.set_run_time_values(db, station, {"security_profile": HIGHEST})
        station_facts.forget_knock(db, station)
        return True
    first_time = station_facts.record_knock(db, station, knock.address, now=now, most=most)
    if first_time and station_facts.may_tell_of_knock(db, now=now, most_an_hour=_MOST_KNOCKS_TOLD_AN_HOUR):
        data = {"address": knock.address}
        events.append(db, "station.knocked", station=station, happened_at=now, recorded_at=now, data=data)
    return False


async def _prove(site: Site, knock: Knock, known: _Known, verified: Verified) -> Proof | Refused:
    """Over which profile the connection is the station's, or why it is not."""
    found = Found("none")
    if asks_for_password(known.expected, encrypted=knock.encrypted):
        found = await _password_of(knock, known, verified)
    now = site.wall_clock()
    decision = how_to_admit(
        known.expected,
        Shown(knock.encrypted, found.password, knock.certificate, known.names_another, known.revoked),
        now=now,
        clock_is_behind=is_clock_behind(now, latest_known=site.latest_known),
    )
    if isinstance(decision, Refused):
        return decision
    by_password = decision.profile in (1, 2)
    if by_password and found.fresh and not await site.database.write(lambda db: _still_counts(db, known, found)):
        return Refused(401, "this password does not count any more", FAILED_LOGIN)
    if by_password and found.as_hex_text:
        key = (known.station, "hex_password")
        site.quirks_seen[key] = site.quirks_seen.get(key, 0) + 1
    return Proof(decision.profile, found.password_hash if by_password else None, knock.certificate)


async def _password_of(knock: Knock, known: _Known, verified: Verified) -> Found:
    if knock.user is None or knock.password is None:
        return Found("none")
    if knock.user not in (knock.identity.encode(), known.station.encode()):
        return Found("wrong_user")
    forms = presented_forms(knock.password, hex_text_allowed=known.settings.accept_hex_password)
    return await find_password(known.passwords, forms, verified)


def _still_counts(db: Writing, known: _Known, found: Found) -> bool:
    """Hashing took its time: the password may have been changed meanwhile."""
    row = stations.find(db, known.station)
    coming = security_changes.of_station(db, known.station)
    return row is not None and found.password_hash in (row.password_hash, *(change.password_hash for change in coming))
