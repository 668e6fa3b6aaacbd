"""The one corridor for requests to stations: API, command line, page, fleet and the gateway itself all enter here.

Accept into the inbox, ask the rules, call, heed the result, write the outcome, tell it in the journal. Whatever the
station says, also no, is a result. The payload goes out verbatim; secrets are stored and shown masked.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace

from gateway.model.calls import Answered, CallErrored, NotConnected, Payload, Reply, Unanswered
from gateway.model.clipping import shortened
from gateway.model.identities import CommandId, StationId
from gateway.ocpp.v16 import to_station
from gateway.ocpp.v16.actions import sent_to_station
from gateway.ocpp.v16.schemas import violations
from gateway.operations.change_security import hash_of_new_password
from gateway.operations.fill_in_addresses import with_given_address
from gateway.operations.fill_in_orders import filled_in
from gateway.operations.give_links import CannotLink
from gateway.operations.heed_results import expect, heed
from gateway.operations.heed_settings import cannot_do
from gateway.operations.known_stations import is_known
from gateway.operations.orders import GATEWAY, Agreed, Behalf, NotAgreed, Order, Outcome, Result
from gateway.operations.site import Site
from gateway.operations.warn_of_orders import warning_of
from gateway.rules import commands as rules
from gateway.rules.secrecy import masked, secrets_in
from gateway.store import commands, events, stations
from gateway.store.writing import Writing

__all__ = ["Outcome", "carry_out"]

logger = logging.getLogger(__name__)

_MOST_ITEMS_RECORDED = 100


async def carry_out(
    site: Site,
    *,
    station: str,
    action: str,
    payload: Payload,
    actor: str,
    patience_seconds: float | None = None,
    of_turn: bool = True,
    behalf: Behalf | None = None,
    image: str | None = None,
    reason: str | None = None,
    agreed: Agreed | None = None,
) -> Outcome:
    """Send one request to a station and return what became of it; never raises for what the station does.

    `patience_seconds`: to wait no longer, when that is less than usual. `of_turn`: if the gateway asks, a failure is
    one of its turn of looking after the station. `behalf`: who asked under an id of their own. The others: see `Order`.
    """
    new_password_hash = await hash_of_new_password(action, payload)
    more = (new_password_hash, None, image, reason, agreed)
    order = Order(CommandId(site.new_id()), StationId(station), action, payload, actor, *more)
    if not sent_to_station(action):
        return Outcome(order.command_id, "unknown_action", description=f"OCPP 1.6 has no request {action} to stations")
    accepted = await _accepted(site, order)
    if isinstance(accepted, Outcome):
        return accepted
    result, outcome = await _send(site, accepted, patience_seconds)
    if accepted.payload is not payload:
        outcome = replace(outcome, request=accepted.payload)
    outcome = _shown(outcome, accepted)
    await site.database.write(lambda db: _finish(db, site, accepted, result, outcome, behalf))
    if of_turn:
        _note_failure(site, order, outcome)
    return with_given_address(outcome, action, asked=payload, sent=accepted.payload)


def _note_failure(site: Site, order: Order, outcome: Outcome) -> None:
    """What the gateway asked by itself and did not get counts in the turn in which it looks after the station."""
    if order.actor == GATEWAY and outcome.status != "answered" and not cannot_do(outcome.status, outcome.code):
        site.failed_by_itself.setdefault(order.station, set()).add(outcome.status)


async def _accepted(site: Site, order: Order) -> Order | Outcome:
    """The complete order, in the inbox; or why it is not."""
    try:
        accepted = await site.database.write(lambda db: _accept(db, site, order))
    except CannotLink as error:
        return Outcome(order.command_id, "unknown_image" if error.unknown else "refused", description=str(error))
    except NotAgreed as error:
        return Outcome(order.command_id, "refused", description=str(error))
    return accepted or Outcome(order.command_id, "unknown_station", description="unknown station")


def _accept(db: Writing, site: Site, order: Order) -> Order | None:
    """The complete order, in the inbox; None when the station is unknown."""
    if not is_known(site.configuration, order.station, stations.find(db, order.station)):
        return None
    now = site.wall_clock()
    order = replace(order, payload=filled_in(db, site, order))
    order = replace(order, warning=warning_of(db, site, order))
    commands.accept(
        db,
        order.command_id,
        order.station,
        action=order.action,
        request=_recorded(order.payload),
        actor=order.actor,
        now=now,
    )
    expect(db, site, order, now)
    if order.agreed is not None:
        order.agreed(db, order)
    return order


async def _send(site: Site, order: Order, patience_seconds: float | None) -> tuple[Result, Outcome]:
    connection = site.connected.get(order.station)
    if connection is None:
        return _no_result(order, "not_connected", "the station is not connected")
    treatment = connection.treatment
    refusal = rules.reason_to_refuse(
        order.action, pending=treatment.pending, quiet=treatment.quiet, by_itself=order.actor == GATEWAY
    )
    if refusal is not None:
        return _no_result(order, "refused", refusal)
    messages = site.health.counters.messages
    usual = treatment.call_patience_seconds
    patience = usual if patience_seconds is None else min(usual, patience_seconds)
    try:
        reply = await connection.call(order.action, order.payload, patience_seconds=patience)
    except NotConnected:
        messages[order.action, "out", "not_connected"] += 1
        return _no_result(order, "not_connected", "the station is not connected")
    except Unanswered as error:
        messages[order.action, "out", "unanswered"] += 1
        result, outcome = _no_result(order, "unanswered", str(error))
        return result, replace(outcome, warning=_warning(order, None))
    messages[order.action, "out", "answered" if isinstance(reply, Answered) else "call_error"] += 1
    return _result_of(order, reply)


def _no_result(order: Order, status: rules.NoAnswer, description: str) -> tuple[Result, Outcome]:
    return Result(status), Outcome(order.command_id, status, description=description)


def _result_of(order: Order, reply: Reply) -> tuple[Result, Outcome]:
    if isinstance(reply, CallErrored):
        return Result("call_error", code=reply.code), Outcome(
            order.command_id,
            "call_error",
            code=reply.code,
            description=reply.description,
            warning=_warning(order, None),
        )
    answer = to_station.read_answer(order.action, reply.payload)
    return Result("answered", payload=reply.payload, answer=answer), Outcome(
        order.command_id, "answered", response=reply.payload, warning=_warning(order, reply)
    )


def _shown(outcome: Outcome, order: Order) -> Outcome:
    """The outcome as it may be stored and shown: stations repeat what they were sent, also in complaints about it."""
    sent = secrets_in(order.payload)
    return replace(
        outcome,
        response=None if outcome.response is None else _masked_object(outcome.response, sent),
        request=None if outcome.request is None else _masked_object(outcome.request),
        code=None if outcome.code is None else str(masked(outcome.code, secrets=sent)),
        description=None if outcome.description is None else str(masked(outcome.description, secrets=sent)),
        warning=None if outcome.warning is None else str(masked(outcome.warning, secrets=sent)),
    )


def _recorded(payload: Payload) -> Mapping[str, object]:
    """The payload as it is stored: a list of thousands of tags, sent to many stations, would fill the disk."""
    kept = shortened(payload, most_items=_MOST_ITEMS_RECORDED)
    assert isinstance(kept, Mapping)
    return _masked_object(kept)


def _masked_object(document: Mapping[str, object], sent: Iterable[str] = ()) -> Mapping[str, object]:
    shown = masked(document, secrets=sent)
    assert isinstance(shown, Mapping)
    return shown


def _warning(order: Order, reply: Answered | None) -> str | None:
    """What looks wrong in the request by itself, for this station, and in the answer; it stops nothing."""
    request = violations(order.action, "request", dict(order.payload))
    response = None if reply is None else violations(order.action, "response", dict(reply.payload))
    found = [
        None if request is None else f"request: {request.description}",
        order.warning,
        None if response is None else f"response: {response.description}",
    ]
    return "; ".join(text for text in found if text is not None) or None


def _finish(db: Writing, site: Site, order: Order, result: Result, outcome: Outcome, behalf: Behalf | None) -> None:
    now = site.wall_clock()
    told = {
        "status": outcome.status,
        "response": outcome.response,
        "code": outcome.code,
        "description": outcome.description,
    }
    commands.finish(db, order.command_id, status=outcome.status, outcome=told, now=now)
    events.append(
        db,
        "command.finished",
        station=order.station,
        happened_at=now,
        recorded_at=now,
        data={
            "command_id": order.command_id,
            "action": order.action,
            "request": _recorded(order.payload),
            "actor": order.actor,
            **({} if behalf is None else {"fleet_command_id": behalf.fleet_command_id}),
            **told,
        },
    )
    heed(db, site, order, result, now)
    if behalf is not None:
        behalf.finished(db, outcome)
