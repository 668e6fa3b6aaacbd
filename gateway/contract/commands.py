"""What a fleet manager may ask for (`dn/cmd`) and what becomes of it (`up/res`). Details: docs/fleet-commands.md."""

from __future__ import annotations

from gateway.contract.shapes import (
    COUNT,
    NUMBER,
    OBJECT,
    SEQUENCE,
    TEXT,
    TEXT_OR_NULL,
    TIME,
    TIME_OR_NULL,
    Schema,
    always,
    list_of,
    object_with,
    one_of,
    told,
)
from gateway.model.journal import STREAMS

STATUSES = ("accepted", "running", "succeeded", "failed", "rejected", "expired", "superseded")
_STREAM = one_of(*STREAMS)
_AMPS: Schema = {"anyOf": [NUMBER, {**list_of(NUMBER), "minItems": 3, "maxItems": 3}]}
_NOTHING = object_with({})

# the arguments of each type; docs/fleet-commands.md explains them
ARGUMENTS: dict[str, Schema] = {
    "ocpp.call": object_with(
        {
            "action": told(TEXT, "such as Reset"),
            "payload": told(OBJECT, "verbatim"),
            "image": told(TEXT_OR_NULL, "of the gateway's store, for UpdateFirmware and SignedUpdateFirmware"),
            "reason": told(TEXT_OR_NULL, "of GetDiagnostics and GetLog, kept with what is uploaded"),
        },
        optional=("payload", "image", "reason"),
    ),
    "station.remote_start": object_with(
        {"id_tag": TEXT_OR_NULL, "charging_profile": {"type": ["object", "null"]}},
        optional=("id_tag", "charging_profile"),
    ),
    "station.remote_stop": object_with({"transaction_id": {"type": ["integer", "null"]}}, optional=("transaction_id",)),
    "station.reset": object_with({"type": one_of("Soft", "Hard", "soft", "hard")}, optional=("type",)),
    "station.unlock": _NOTHING,
    "site.limit.set": object_with(
        {"circuit": TEXT, "limit_amps": _AMPS, "limit_watts": NUMBER, "until": TIME_OR_NULL, "source": TEXT},
        optional=("limit_amps", "limit_watts", "until", "source"),
    ),
    "site.limit.clear": object_with({"circuit": TEXT, "source": TEXT}, optional=("source",)),
    "ping": _NOTHING,
    "resync": object_with(
        {"stream": _STREAM, "from": SEQUENCE, "since": TIME},
        optional=("from", "since"),
    ),
    "rebirth": _NOTHING,
    "live.start": object_with({"seconds": told(NUMBER, "how long telemetry is wanted")}, optional=("seconds",)),
    "live.stop": _NOTHING,
}
OF_STATIONS = frozenset(name for name in ARGUMENTS if name == "ocpp.call" or name.startswith("station."))

_TARGET_MEMBERS: dict[str, Schema] = {"station": TEXT, "connector": COUNT}


def command(kind: str) -> Schema:
    """The schema of a command of this type. What has no expiry is good for ever, so give one."""
    of_station = kind in OF_STATIONS
    needed = {"station.unlock"}
    target = object_with(_TARGET_MEMBERS, optional=() if kind in needed else ("connector",))
    members: dict[str, Schema] = {
        "id": told({"type": "string", "minLength": 1, "maxLength": 128}, "never used twice, such as a ULID"),
        "type": always(kind),
        "target": target if of_station else {"type": ["object", "null"]},
        "args": ARGUMENTS[kind],
        "issued_at": TIME,
        "expires_at": TIME,
        "ttl_s": told(NUMBER, "counts from issued_at"),
        "actor": told(TEXT, "who asked, such as user:jane@fleet"),
        "reply_to": told(TEXT, "the topic of results; it is always up/res"),
        "if_offline": told(one_of("reject", "queue"), "queue: wait for the station until the command expires"),
    }
    optional = set(members) - {"id", "type"} - ({"target"} if of_station else set())
    if ARGUMENTS[kind].get("required"):
        optional -= {"args"}
    return object_with(members, optional=optional)


RESULT_MEMBERS: dict[str, Schema] = {
    "id": TEXT,
    "type": TEXT,
    "status": told(one_of(*STATUSES), "accepted and running are followed by one of the others, which are final"),
    "received_at": TIME,
    "started_at": TIME,
    "finished_at": TIME,
    "response": told(OBJECT, "what the station answered, or the gateway"),
    "error": object_with({"code": TEXT, "description": TEXT}),
    "gateway_command_id": told(TEXT, "the command_id of the request to the station, as in its command.finished"),
    "request": told(OBJECT, "what was sent, when the gateway filled something in"),
    "warning": told(TEXT, "the gateway sent it, but doubts that it is wise"),
}
OPTIONAL_IN_RESULTS = tuple(name for name in RESULT_MEMBERS if name not in ("id", "type", "status", "received_at"))
RESULT = object_with(RESULT_MEMBERS, optional=OPTIONAL_IN_RESULTS)
