"""The one corridor for requests to stations: API, command line, page and fleet all enter here.

Accept into the inbox, ask the rules, call, heed the answer, write the outcome, tell it in the journal. Whatever the
station says, also no, is a result. The payload goes out verbatim; secrets are stored and shown masked.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from gateway.model.calls import Answered, CallErrored, NotConnected, Reply, Unanswered
from gateway.model.identities import CommandId, StationId, fold_tag
from gateway.model.instants import Instant
from gateway.ocpp.v16 import to_station
from gateway.ocpp.v16.actions import sent_to_station
from gateway.ocpp.v16.schemas import violations
from gateway.operations.provision_stations import is_known
from gateway.operations.site import Site
from gateway.rules import commands as rules
from gateway.rules.secrecy import masked, secrets_in
from gateway.store import commands, configuration_keys, events, stations
from gateway.store.writing import Writing

logger = logging.getLogger(__name__)

_NO_CONNECTOR = 2**31


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a command; the members that do not apply are None."""

    command_id: str
    status: str  # answered | call_error | unanswered | not_connected | refused | unknown_station | unknown_action
    response: Mapping[str, object] | None = None
    code: str | None = None
    description: str | None = None
    request: Mapping[str, object] | None = None  # the payload sent, when the gateway filled something in
    warning: str | None = None


@dataclass(frozen=True, slots=True)
class _Command:
    command_id: CommandId
    station: StationId
    action: str
    payload: Mapping[str, object]
    actor: str


async def carry_out(site: Site, *, station: str, action: str, payload: Mapping[str, object], actor: str) -> Outcome:
    """Send one request to a station and return what became of it; never raises for what the station does."""
    complete = _completed(site, StationId(station), action, payload)
    command = _Command(CommandId(site.new_id()), StationId(station), action, complete, actor)
    if not sent_to_station(action):
        return Outcome(
            command.command_id, "unknown_action", description=f"OCPP 1.6 has no request {action} to stations"
        )
    if not await site.database.write(lambda db: _accept(db, site, command)):
        return Outcome(command.command_id, "unknown_station", description="unknown station")
    outcome = await _send(site, command)
    if complete is not payload:
        outcome = replace(outcome, request=complete)
    outcome = _shown(outcome, command)
    await site.database.write(lambda db: _finish(db, site, command, outcome))
    return outcome


def _completed(site: Site, station: StationId, action: str, payload: Mapping[str, object]) -> Mapping[str, object]:
    """The payload with what the gateway may fill in: the tag of a remote start that names none."""
    connection = site.connected.get(station)
    if action != "RemoteStartTransaction" or "idTag" in payload or connection is None:
        return payload
    tag = connection.treatment.remote_id_tag
    return payload if tag is None else {**payload, "idTag": tag}


def _accept(db: Writing, site: Site, command: _Command) -> bool:
    if not is_known(site.configuration, command.station, stations.find(db, command.station)):
        return False
    commands.accept(
        db,
        command.command_id,
        command.station,
        action=command.action,
        request=_masked_object(command.payload),
        actor=command.actor,
        now=site.wall_clock(),
    )
    id_tag, connector = command.payload.get("idTag"), command.payload.get("connectorId")
    if command.action == "RemoteStartTransaction" and isinstance(id_tag, str):
        commands.expect_remote_start(  # now, because a station may start before it has answered
            db,
            command.command_id,
            command.station,
            connector=connector if isinstance(connector, int) and 0 < connector < _NO_CONNECTOR else None,
            folded_tag=fold_tag(id_tag),
            now=site.wall_clock(),
        )
    return True


async def _send(site: Site, command: _Command) -> Outcome:
    connection = site.connected.get(command.station)
    if connection is None:
        return Outcome(command.command_id, "not_connected", description="the station is not connected")
    refusal = rules.reason_to_refuse(command.action, pending=connection.treatment.pending)
    if refusal is not None:
        return Outcome(command.command_id, "refused", description=refusal)
    messages = site.health.counters.messages
    try:
        reply = await connection.call(
            command.action, command.payload, patience_seconds=connection.treatment.call_patience_seconds
        )
    except NotConnected:
        messages[command.action, "out", "not_connected"] += 1
        return Outcome(command.command_id, "not_connected", description="the station is not connected")
    except Unanswered as error:
        messages[command.action, "out", "unanswered"] += 1
        return Outcome(command.command_id, "unanswered", description=str(error), warning=_warning(command, None))
    messages[command.action, "out", "answered" if isinstance(reply, Answered) else "call_error"] += 1
    return _outcome_of(command, reply)


def _outcome_of(command: _Command, reply: Reply) -> Outcome:
    if isinstance(reply, CallErrored):
        return Outcome(
            command.command_id,
            "call_error",
            code=reply.code,
            description=reply.description,
            warning=_warning(command, None),
        )
    return Outcome(command.command_id, "answered", response=reply.payload, warning=_warning(command, reply))


def _shown(outcome: Outcome, command: _Command) -> Outcome:
    """The outcome as it may be stored and shown: stations repeat what they were sent, also in complaints about it."""
    sent = secrets_in(command.payload)
    return replace(
        outcome,
        response=None if outcome.response is None else _masked_object(outcome.response, sent),
        request=None if outcome.request is None else _masked_object(outcome.request),
        code=None if outcome.code is None else str(masked(outcome.code, secrets=sent)),
        description=None if outcome.description is None else str(masked(outcome.description, secrets=sent)),
        warning=None if outcome.warning is None else str(masked(outcome.warning, secrets=sent)),
    )


def _masked_object(document: Mapping[str, object], sent: Iterable[str] = ()) -> Mapping[str, object]:
    shown = masked(document, secrets=sent)
    assert isinstance(shown, Mapping)
    return shown


def _warning(command: _Command, reply: Answered | None) -> str | None:
    """What looks wrong in the request, or in the answer; it stops nothing."""
    wrong = violations(command.action, "request", dict(command.payload))
    if wrong is not None:
        return f"request: {wrong.description}"
    wrong = violations(command.action, "response", dict(reply.payload)) if reply is not None else None
    return f"response: {wrong.description}" if wrong is not None else None


def _finish(db: Writing, site: Site, command: _Command, outcome: Outcome) -> None:
    now = site.wall_clock()
    told = {
        "status": outcome.status,
        "response": outcome.response,
        "code": outcome.code,
        "description": outcome.description,
    }
    commands.finish(db, command.command_id, status=outcome.status, outcome=told, now=now)
    events.append(
        db,
        "command.finished",
        station=command.station,
        happened_at=now,
        recorded_at=now,
        data={
            "command_id": command.command_id,
            "action": command.action,
            "request": _masked_object(command.payload),
            "actor": command.actor,
            **told,
        },
    )
    answer = None
    if outcome.status == "answered" and outcome.response is not None:
        answer = to_station.read_answer(command.action, outcome.response)
        _heed(db, command, answer, now)
    if outcome.status != "unanswered" and answer != to_station.StatusAnswer("Accepted"):
        commands.drop_remote_start(db, command.command_id)


def _heed(db: Writing, command: _Command, answer: to_station.Answer | None, now: Instant) -> None:
    """What a station's answer changes in what we know of it."""
    match command.action, answer:
        case "GetConfiguration", to_station.ConfigurationAnswer(entries):
            for entry in entries:
                configuration_keys.record(
                    db, command.station, entry.key, value=entry.value, readonly=entry.readonly, now=now
                )
        case "ChangeConfiguration", to_station.StatusAnswer("Accepted" | "RebootRequired" as status):
            shown = _masked_object(command.payload)
            key, value = shown.get("key"), shown.get("value")
            if isinstance(key, str):
                rebooting = status == "RebootRequired"
                configuration_keys.record_change(
                    db, command.station, key, value=str(value), reboot_required=rebooting, now=now
                )
        case _:
            pass
