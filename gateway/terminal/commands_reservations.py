"""Reservations from the command line: make, list, cancel.

It computes the end of a reservation from this machine's clock, and words the station's answer. Whatever OCPP allows
beside that can be sent with `call`.
"""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime

from gateway.model.instant_text import instant_from_text
from gateway.model.instants import instant_of, seconds_later, text_of
from gateway.terminal.commands_station import print_outcome, send
from gateway.terminal.exits import NEGATIVE, OK, usage
from gateway.terminal.json_output import Document, items_of, part_of, print_json
from gateway.terminal.pages import collect
from gateway.terminal.reaching import Reached, reach
from gateway.terminal.tables import local_time, table, zone_text


def reserve(options: argparse.Namespace) -> int:
    """0 when the station accepted; 1 when it did not, or nobody knows."""
    payload = {
        "reservationId": options.id,
        "connectorId": options.connector,
        "expiryDate": _end(options),
        "idTag": options.tag,
        "parentIdTag": options.parent,
    }
    reached = reach(options)
    outcome = _ask(reached, options, "ReserveNow", {name: part for name, part in payload.items() if part is not None})
    number = part_of(outcome, "request").get("reservationId", options.id)
    until = f"{local_time(payload['expiryDate'], reached.zone)} ({zone_text(reached.zone)})"
    place = f"connector {options.connector}" if options.connector else "one connector"
    return _tell(
        options,
        outcome,
        accepted=f"{options.station}: {place} is reserved for {options.tag} until {until}, reservation {number}",
    )


def cancel(options: argparse.Namespace) -> int:
    """0 when the station accepted; 1 when it holds no such reservation, or nobody knows."""
    outcome = _ask(reach(options), options, "CancelReservation", {"reservationId": options.id})
    return _tell(options, outcome, accepted=f"{options.station}: reservation {options.id} is cancelled")


def reservations(options: argparse.Namespace) -> int:
    """What the gateway believes to be in force."""
    reached = reach(options)
    query = {"station": options.station, "uncertain": options.uncertain or None}
    document = collect(reached.gateway, "/reservations", query=query)
    if options.json:
        print_json(document)
        return OK
    rows = [
        [
            one.get("reservation_id"),
            one.get("station"),
            one.get("connector"),
            one.get("id_tag"),
            one.get("parent_id_tag"),
            local_time(one.get("expiry_time"), reached.zone),
        ]
        for one in items_of(document)
    ]
    print(table(["ID", "STATION", "CONNECTOR", "TAG", "PARENT", f"UNTIL ({zone_text(reached.zone)})"], rows))
    return OK


def _end(options: argparse.Namespace) -> str:
    if options.until is None:
        return text_of(seconds_later(instant_of(datetime.now(UTC)), 60 * options.minutes))
    until = instant_from_text(options.until)
    if until is None:
        raise usage(f"--until: expected a time such as 2027-01-31T12:00:00Z, got {options.until!r}")
    return text_of(until)


def _ask(reached: Reached, options: argparse.Namespace, action: str, payload: dict[str, object]) -> Document:
    return send(reached.gateway, options.station, action, json.dumps(payload).encode())


def _tell(options: argparse.Namespace, outcome: Document, *, accepted: str) -> int:
    status = part_of(outcome, "response").get("status")
    is_accepted = isinstance(status, str) and status.casefold() == "accepted"
    if options.json:
        print_json(outcome)
    elif outcome.get("status") != "answered" or not isinstance(status, str):
        print_outcome(options.station, outcome)
    else:
        if outcome.get("warning"):
            print(f"warning: {outcome['warning']}", file=sys.stderr)
        print(accepted if is_accepted else f"{options.station} says {status}")
    return OK if is_accepted else NEGATIVE
