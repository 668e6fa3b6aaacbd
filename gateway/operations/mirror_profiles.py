"""What commands, sessions and boots change in what we believe a station holds of charging profiles (OCPP 1.6 3.13).

Only what a station has said is certain. Without an answer both possibilities are kept: the new profile may be there,
those that it replaces may be gone. `reconcile_profiles` settles that later. What replaces and clears what is a rule.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from gateway.model.charging_profiles import TX, Criteria, Installed
from gateway.model.identities import CommandId, StationId
from gateway.model.instants import Instant
from gateway.ocpp.v16.charging_profiles import read_criteria, read_profile, whole_number
from gateway.ocpp.v16.to_station import StatusAnswer, read_answer
from gateway.operations.known_profiles import known_of
from gateway.operations.orders import Order, Result
from gateway.operations.site import Site
from gateway.operations.tell_profiles import tell_cleared, tell_set
from gateway.rules.charging_profiles import clears, replaces
from gateway.store import charging_profiles, commands, composite_schedules, events, transactions
from gateway.store.writing import Writing

if TYPE_CHECKING:
    from gateway.operations.draw_consequences import Booted, Ended, Started

# of a row whose certainty no single answer decides
NO_COMMAND = CommandId("")
_CLEAR_MEMBERS = ("id", "connectorId", "chargingProfilePurpose", "stackLevel")


def heed_set(db: Writing, site: Site, order: Order, result: Result, now: Instant) -> None:
    """SetChargingProfile: it is there and what it replaces is gone, or perhaps, or nothing has changed."""
    connector = whole_number(order.payload.get("connectorId"))
    document = order.payload.get("csChargingProfiles")
    profile = read_profile(document)
    done = became(result, "Accepted")
    if done is False or connector is None or connector < 0 or profile is None or not isinstance(document, Mapping):
        return
    new = Installed(connector, profile)
    if done:
        tell_set(db, order, new, now)
    if not _take_place(db, order.station, new, document, certain=done is True):
        return
    if not _is_dead(db, order, new):
        charging_profiles.keep(
            db,
            order.station,
            connector,
            profile_id=profile.profile_id,
            transaction_id=profile.transaction_id,
            profile=document,
            certain=done is True,
            command_id=order.command_id,
            now=now,
        )
    if done is None:
        _tell_of_doubts(db, order, now)


def heed_clear(db: Writing, site: Site, order: Order, result: Result, now: Instant) -> None:
    """ClearChargingProfile: what it names is gone, also when the station answers that it knows nothing of the kind."""
    done = became(result, "Accepted", "Unknown")
    if done is False:
        return
    criteria = read_criteria(order.payload)
    found = [(row, one) for row, one in known_of(db, order.station) if clears(criteria, one)]
    meant = [row for row, _ in found]
    named = [order.payload[name] for name in _CLEAR_MEMBERS if name in order.payload]
    understood = [criteria.profile_id, criteria.connector, criteria.purpose, criteria.stack_level]
    all_understood = len(named) == sum(value is not None for value in understood)
    if done and all_understood:
        if meant or (isinstance(result.answer, StatusAnswer) and result.answer.status == "Accepted"):
            tell_cleared(db, order, criteria, [one for _, one in found], now)
        charging_profiles.forget(db, meant)
        if criteria == Criteria():
            charging_profiles.note_cleared(db, order.station, now=now)
    else:
        # what we cannot read, the station may have read somehow
        charging_profiles.doubt(db, meant, wanted=False if all_understood else None)
        _tell_of_doubts(db, order, now)


def heed_remote_start(db: Writing, site: Site, order: Order, result: Result, now: Instant) -> None:
    """RemoteStartTransaction with a profile: its session may have begun before the station answered."""
    done = became(result, "Accepted")
    for row, one in known_of(db, order.station):
        if row.command_id != order.command_id:
            continue
        if done is False:
            charging_profiles.forget(db, [row])
        elif done and one.profile.purpose == TX:
            others = [(other, known) for other, known in known_of(db, order.station) if other.row_id != row.row_id]
            charging_profiles.forget(db, [other for other, known in others if replaces(one, known)])
            charging_profiles.confirm(db, row)


def heed_composite(db: Writing, site: Site, order: Order, result: Result, now: Instant) -> None:
    """GetCompositeSchedule: kept to be shown. It is indicative only, so nothing is concluded from it."""
    connector = whole_number(order.payload.get("connectorId"))
    if result.payload is not None and connector is not None:
        composite_schedules.record(
            db, order.station, connector, request=order.payload, response=result.payload, now=now
        )


def install_with_session(db: Writing, site: Site, what: Started) -> None:
    """A session began that a remote start with a profile had asked for: it is that session's TxProfile now.

    When other remote starts wait for the same, or another such session began since, nobody knows whose profile the
    station took; that of the one which the session is put down to is wanted.
    """
    if what.command is not None:
        start = what.start
        waiting = commands.waiting_for(db, start.station, connector=start.connector, folded_tag=start.folded_tag)
        for command_id in (what.command, *waiting):
            _install(db, what, command_id, alone=not waiting)


def end_with_session(db: Writing, site: Site, what: Ended) -> None:
    """A TxProfile dies with its session; when only we take the session for ended, the station may think otherwise."""
    session = what.session
    of_session = [
        row
        for row, one in known_of(db, session.station)
        if one.profile.purpose == TX
        and (row.transaction_id or session.transaction_id) == session.transaction_id
        and (row.transaction_id is not None or row.connector == session.connector)
    ]
    if not of_session:
        return
    recorded = transactions.find(db, session.transaction_id)
    if recorded is not None and recorded.stop_source == "station":
        charging_profiles.forget(db, of_session)
    else:
        charging_profiles.doubt(db, of_session, wanted=False)


def notice_other_device(db: Writing, site: Site, what: Booted) -> None:
    """Another device under the same identity: what was in the old one says nothing about it."""
    before, plate = what.before, what.plate
    if before is None or not what.is_another_device:
        return
    rows = charging_profiles.of_station(db, what.station)
    charging_profiles.doubt(db, rows)
    charging_profiles.note_doubt(db, what.station, now=what.now)
    events.append(
        db,
        "charging_profiles.doubted",
        station=what.station,
        happened_at=what.now,
        recorded_at=what.now,
        data={
            "reason": "another_device",
            "serial_number": plate.serial_number or plate.box_serial_number,
            "serial_number_before": before.serial_number or before.box_serial_number,
            "profiles": [{"connector": row.connector, "profile": row.document()} for row in rows],
        },
    )


def _install(db: Writing, what: Started, command_id: CommandId, *, alone: bool) -> None:
    asked = commands.find(db, command_id)
    document = None if asked is None else asked.request.get("chargingProfile")
    profile = read_profile(document)
    if asked is None or profile is None or not isinstance(document, Mapping):
        return
    answer = read_answer("RemoteStartTransaction", (asked.outcome or {}).get("response"))
    certain = (
        alone
        and answer == StatusAnswer("Accepted")
        and profile.purpose == TX
        and not transactions.began_since(db, what.start, command_id, besides=what.transaction_id)
    )
    new = Installed(what.start.connector, replace(profile, transaction_id=what.transaction_id))
    _take_place(db, what.start.station, new, document, certain=certain)
    charging_profiles.keep(
        db,
        what.start.station,
        new.connector,
        profile_id=profile.profile_id,
        transaction_id=what.transaction_id,
        profile=document,
        certain=certain,
        wanted=command_id == what.command,
        command_id=command_id if alone else NO_COMMAND,
        now=what.now,
    )


def became(result: Result, *good: str) -> bool | None:
    """Has the station done it? None: nobody knows. Every kind of no is False, a CALLERROR too (errata 3.38)."""
    if result.status == "unanswered":
        return None
    if result.status != "answered":
        return False
    return result.answer.status in good if isinstance(result.answer, StatusAnswer) else None


def _tell_of_doubts(db: Writing, order: Order, now: Instant) -> None:
    """So that they are settled soon, if they may be."""
    doubtful = sorted({row.profile_id for row in charging_profiles.of_station(db, order.station) if not row.certain})
    if doubtful:
        data = {"action": order.action, "command_id": order.command_id, "profiles": doubtful}
        events.append(
            db, "charging_profiles.uncertain", station=order.station, happened_at=now, recorded_at=now, data=data
        )


def _take_place(db: Writing, station: StationId, new: Installed, document: object, *, certain: bool) -> bool:
    """Take `new` for installed, or perhaps: those that it replaces go, or are doubted. False: it is there anyway."""
    replaced = [row for row, old in known_of(db, station) if replaces(new, old)]
    same = [row for row in replaced if row.connector == new.connector and row.document() == document]
    if certain:
        charging_profiles.forget(db, replaced)
        return True
    if any(row.certain for row in same):
        return False  # whether or not this one arrived
    charging_profiles.doubt(db, [row for row in replaced if row not in same])
    charging_profiles.forget(db, same)
    return True


def _is_dead(db: Writing, order: Order, new: Installed) -> bool:
    """Has the session of this TxProfile ended while the station's answer was on its way?"""
    if new.profile.purpose != TX or new.profile.transaction_id is None:
        return False
    session = transactions.find(db, new.profile.transaction_id)
    return session is not None and session.station == order.station and session.stop_source == "station"
