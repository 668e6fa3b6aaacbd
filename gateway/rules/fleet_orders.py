"""What does a fleet manager's command mean for a station or the site, and what did the answer mean for the command?

Friendly names become requests of OCPP 1.6; what is to be done in which order, and which command makes an older one
needless. It sends nothing and knows no rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from gateway.model.fleet_commands import Command, Complaint, Ended
from gateway.rules.fleet_commands import needs_station, text_digest

CallStatus = Literal[
    "answered",
    "call_error",
    "unanswered",
    "not_connected",
    "refused",
    "unknown_station",
    "unknown_action",
    "unknown_image",
]

DEFAULT_SOURCE = "fleet"  # of a limit
_LIMIT_FIELDS = ("limit_amps", "limit_watts", "until")
_GOOD = {
    "station.remote_start": "Accepted",
    "station.remote_stop": "Accepted",
    "station.reset": "Accepted",
    "station.unlock": "Unlocked",
}


def request_of(
    command: Command, *, open_transactions: Sequence[tuple[int, int]] = ()
) -> tuple[str, Mapping[str, object]] | Complaint:
    """The OCPP request: action and payload. `open_transactions`: (connector, transaction) of the station."""
    args = command.args
    match command.type:
        case "station.remote_start":
            return "RemoteStartTransaction", _present(
                connectorId=command.connector, idTag=args.get("id_tag"), chargingProfile=args.get("charging_profile")
            )
        case "station.remote_stop":
            transaction = _transaction_to_stop(command, open_transactions)
            if isinstance(transaction, Complaint):
                return transaction
            return "RemoteStopTransaction", {"transactionId": transaction}
        case "station.reset":
            return "Reset", {"type": str(args.get("type", "Soft")).capitalize()}
        case "station.unlock":
            return "UnlockConnector", {"connectorId": command.connector}
    payload = args.get("payload", {})
    assert isinstance(payload, Mapping)
    return str(args["action"]), payload


def limit_fields(command: Command) -> dict[str, object]:
    """What is asked of the limit of a circuit; members that nobody knows are left out."""
    fields = {name: command.args[name] for name in _LIMIT_FIELDS if name in command.args}
    return {**fields, "source": source_of(command)}


def source_of(command: Command) -> object:
    """In whose name a limit is set or taken away."""
    source = command.args.get("source")
    return DEFAULT_SOURCE if source is None else source


def verdict_on(
    kind: str,
    status: CallStatus,
    *,
    response: Mapping[str, object] | None,
    code: str | None,
    description: str | None,
    more: Mapping[str, object],
) -> Ended:
    """What became of a request, for who asked. `ocpp.call` succeeds with any answer, the others with the one they want.

    A station that was not reached, or does not answer, may be asked again under another id; this command is over.
    """
    if status != "answered":
        error = Complaint(code or status, description or status.replace("_", " "))
        return Ended("rejected" if status.startswith("unknown") else "failed", None, error, more)
    wanted = _GOOD.get(kind)
    told = None if response is None else response.get("status")
    if wanted is not None and told != wanted:
        return Ended("failed", response, Complaint("station_refused", f"the station answered {str(told)[:50]}"), more)
    return Ended("succeeded", response, None, more)


def lane_of(kind: str, station: str | None) -> str:
    """Commands of one lane are carried out one after the other, those of different lanes at the same time."""
    if needs_station(kind):
        return f"station {station}"
    return kind.split(".")[0]


def superseding_key(command: Command) -> str | None:
    """An older command of the same key is needless from now on, if it has not begun."""
    match command.type:
        case "site.limit.set":
            return _key("limit", command.args.get("circuit"), source_of(command))
        case "ocpp.call":
            payload = command.args.get("payload", {})
            assert isinstance(payload, Mapping)
            match command.args.get("action"):
                case "ChangeAvailability":
                    return _key("availability", command.station, payload.get("connectorId"))
                case "SetChargingProfile":
                    return _key("profile", command.station, payload.get("connectorId"), *_place(payload))
    return None


def _place(payload: Mapping[str, object]) -> tuple[object, ...]:
    """What a charging profile takes the place of another by (OCPP 1.6 3.13.2)."""
    profile = payload.get("csChargingProfiles")
    if not isinstance(profile, Mapping):
        return (text_digest(profile),)
    return profile.get("chargingProfilePurpose"), profile.get("stackLevel"), profile.get("transactionId")


def _key(*parts: object) -> str:
    return text_digest(list(parts))


def _transaction_to_stop(command: Command, open_transactions: Sequence[tuple[int, int]]) -> int | Complaint:
    number = command.args.get("transaction_id")
    if isinstance(number, int):
        return number
    found = [
        transaction
        for connector, transaction in open_transactions
        if command.connector is None or connector == command.connector
    ]
    if len(found) == 1:
        return found[0]
    where = "the station" if command.connector is None else f"connector {command.connector}"
    if not found:
        return Complaint("no_transaction", f"no transaction is open on {where}")
    return Complaint("several_transactions", f"name one: {', '.join(map(str, found))} are open on {where}")


def _present(**members: object) -> dict[str, object]:
    return {name: value for name, value in members.items() if value is not None}
