"""Every request of a station comes through here: read, find the answering function, write, commit, reply.

`ANSWERS` is the table of what the gateway answers; a test holds it against the schemas. A fault of ours is answered
InternalError and logged; when the disk refuses, what bills stays with the station: its line is cut, so that it keeps
the message and tells it again, instead of a CALLERROR after which it may drop it (OCPP 1.6 3.7.1).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import msgspec

from gateway.model.instants import Instant, text_of
from gateway.model.treatment import Treatment
from gateway.ocpp.errors import ErrorCode
from gateway.ocpp.frame import Call, write_error, write_result
from gateway.ocpp.text_mending import without_half_pairs
from gateway.ocpp.v16 import from_station as v16
from gateway.ocpp.v16.reading import Refusal, Request, read_request
from gateway.operations import answer_certificates, answer_jobs, answer_notices, answer_sessions
from gateway.operations.questions import AnswerUnit, Question
from gateway.operations.site import Site
from gateway.rules.secrecy import masked_bytes
from gateway.stations.connection import StationConnection
from gateway.store import events, station_facts
from gateway.store.database import StoreUnavailable
from gateway.store.writing import Writing

logger = logging.getLogger(__name__)

# The request's type varies by row; `v16.REQUEST_TYPES` has the same keys.
ANSWERS: Mapping[str, Callable[[Question, Any], AnswerUnit]] = {
    "Authorize": answer_sessions.authorize,
    "BootNotification": answer_notices.boot_notification,
    "DataTransfer": answer_notices.data_transfer,
    "DiagnosticsStatusNotification": answer_jobs.job_status,
    "FirmwareStatusNotification": answer_jobs.job_status,
    "LogStatusNotification": answer_jobs.job_status,
    "MeterValues": answer_sessions.meter_values,
    "SecurityEventNotification": answer_jobs.security_event,
    "SignCertificate": answer_certificates.sign_certificate,
    "SignedFirmwareStatusNotification": answer_jobs.job_status,
    "StartTransaction": answer_sessions.start_transaction,
    "StatusNotification": answer_notices.status_notification,
    "StopTransaction": answer_sessions.stop_transaction,
}
# Answered from the clock alone, without the store.
ANSWERED_AT_ONCE = frozenset({"Heartbeat"})

_BILLS = frozenset({"StartTransaction", "StopTransaction", "MeterValues"})
# A pending station sends what a trigger asked it for (OCPP 1.6 4.2). What no trigger asks for is refused
# (OCPP-J 1.6 errata 3.10).
_REFUSED_WHILE_PENDING = frozenset({"Authorize", "DataTransfer", "StartTransaction", "StopTransaction"})


def answering(site: Site) -> Callable[[StationConnection, Call], None]:
    """The function that the stations' door calls with each request whose turn it is."""
    clock = _Clock(site.wall_clock)
    messages = site.health.counters.messages

    def answer(connection: StationConnection, call: Call) -> None:
        now = site.wall_clock()
        treatment = connection.treatment
        read = read_request(call.action, call.payload, strict=treatment.strict)
        if type(read) is Request and (treatment.strict or treatment.pending):
            read = _refusal_of(treatment, call) or read
        if isinstance(read, Refusal):
            _refuse(site, connection, call, read)
            return
        if read.quirks or read.quarantined:
            _note_repairs(site, connection, call, read, now)
            call = _storable(call, read)
        if call.action in ANSWERS:
            _answer_after_commit(Question(site, connection.station, treatment, call, now), connection, read)
        elif call.action in ANSWERED_AT_ONCE:
            messages[call.action, "in", "answered"] += 1
            connection.reply(call, write_result(call.message_id, v16.HeartbeatAnswer(current_time=clock.text(now))))
        else:
            _refuse(site, connection, call, Refusal(ErrorCode.NOT_SUPPORTED, "not supported by this site"))

    return answer


def _answer_after_commit(asked: Question, connection: StationConnection, read: Request) -> None:
    call = asked.call
    messages = asked.site.health.counters.messages

    def done(result: object, error: BaseException | None) -> None:
        if error is None:
            messages[call.action, "in", "answered"] += 1
            if isinstance(result, v16.BootNotificationAnswer) and connection.treatment.pending:
                pending = result.status != "Accepted"
                connection.treatment = replace(connection.treatment, pending=pending)
            connection.reply(call, write_result(call.message_id, result))
        else:
            _reply_to_failure(asked, connection, error)

    try:
        asked.site.database.submit(ANSWERS[call.action](asked, read.payload), done)
    except Exception as error:
        done(None, error)


def _refusal_of(treatment: Treatment, call: Call) -> Refusal | None:
    if treatment.pending and call.action in _REFUSED_WHILE_PENDING:
        return Refusal(ErrorCode.SECURITY_ERROR, "the station is not accepted yet")
    if treatment.strict and not isinstance(call.message_id, str):
        return Refusal(ErrorCode.PROTOCOL_ERROR, "the message id must be a string")
    return None


def _refuse(site: Site, connection: StationConnection, call: Call, refusal: Refusal) -> None:
    known = call.action in v16.REQUEST_TYPES
    site.health.counters.messages[call.action if known else "unknown", "in", "refused"] += 1
    logger.info(
        "refused %s: %s %s", call.action[:50], refusal.code, refusal.description, extra={"station": connection.station}
    )
    connection.reply(call, write_error(call.message_id, refusal.code, refusal.description))


def _reply_to_failure(asked: Question, connection: StationConnection, error: BaseException) -> None:
    call = asked.call
    asked.site.health.counters.messages[call.action, "in", "failed"] += 1
    extra = {"station": asked.station, "action": call.action}
    if isinstance(error, StoreUnavailable):
        logger.error("%s not stored: %s", call.action, error, extra=extra)
        if call.action in _BILLS:
            # first the end: a message behind this one that found room would be stored before it
            connection.drop()
            connection.reply(call, None)
            return
    else:
        logger.error("answering %s failed", call.action, exc_info=error, extra=extra)
        _keep_for_inspection(asked)
    connection.reply(call, write_error(call.message_id, ErrorCode.INTERNAL_ERROR, "the gateway could not process this"))


def _storable(call: Call, read: Request) -> Call:
    """The call as it may be stored: readable by any JSON parser, and without secrets under names nobody asked for."""
    payload = bytes(call.payload)
    whole = without_half_pairs(payload) if "half_character" in read.quirks else payload
    storable = masked_bytes(whole)
    return call if storable == payload else msgspec.structs.replace(call, payload=msgspec.Raw(storable))


def _keep_for_inspection(asked: Question) -> None:
    body = bytes(asked.call.payload)

    def unit(db: Writing) -> None:
        station_facts.quarantine(db, asked.station, asked.call.action, "internal error", body, now=asked.now)

    asked.site.database.submit(unit, lambda result, error: None)


def _note_repairs(site: Site, connection: StationConnection, call: Call, read: Request, now: Instant) -> None:
    for quirk in read.quirks:
        key = (connection.station, quirk)
        site.quirks_seen[key] = site.quirks_seen.get(key, 0) + 1
    if not read.quarantined:
        return
    station, action, body = connection.station, call.action, bytes(call.payload)

    def unit(db: Writing) -> None:
        station_facts.quarantine(db, station, action, "only the mandatory core was usable", body, now=now)
        events.append(
            db,
            "station.message_quarantined",
            station=station,
            happened_at=now,
            recorded_at=now,
            data={"action": action, "quirks": read.quirks},
        )

    site.database.submit(unit, lambda result, error: None)


class _Clock:
    """Formats the time at most once per millisecond."""

    __slots__ = ("_millisecond", "_text", "_wall_clock")

    def __init__(self, wall_clock: Callable[[], Instant]) -> None:
        self._wall_clock = wall_clock
        self._millisecond = -1
        self._text = ""

    def text(self, now: Instant) -> str:
        """RFC 3339 text of `now`."""
        if now // 1000 != self._millisecond:
            self._millisecond = now // 1000
            self._text = text_of(now)
        return self._text
