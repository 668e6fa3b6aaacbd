"""What a gateway says of itself: online or offline, its birth certificate, telemetry."""

from __future__ import annotations

from gateway.contract.shapes import (
    ANYTHING,
    COUNT,
    COUNT_OR_NULL,
    FLAG,
    SEQUENCE,
    TEXT,
    TEXT_OR_NULL,
    TEXTS,
    TIME,
    Schema,
    list_of,
    object_with,
    one_of,
    told,
)

_SESSION = told(COUNT, "counts births: an offline with a lower number than that of the last birth is old")

STATE = object_with(
    {"state": one_of("online", "offline"), "session": _SESSION, "at": TIME, "reason": TEXT},
    optional=("at", "reason"),
)
_STREAM = object_with(
    {
        "oldest": told(SEQUENCE, "the first that is kept of this epoch; one more than newest when nothing is"),
        "newest": COUNT,
        "next": told(SEQUENCE, "where this fleet manager's acknowledgements end: the first that is sent"),
    }
)
STATION = object_with(
    {
        "station": TEXT,
        "connected": FLAG,
        "vendor": TEXT_OR_NULL,
        "model": TEXT_OR_NULL,
        "serial_number": TEXT_OR_NULL,
        "firmware_version": TEXT_OR_NULL,
        "connectors": told({"type": "object", "additionalProperties": {"type": "string"}}, "status by connector"),
    }
)
INFO = object_with(
    {
        "gateway": told(TEXT, "site.id, not encoded"),
        "name": TEXT,
        "version": TEXT,
        "session": _SESSION,
        "at": TIME,
        "timezone": TEXT,
        "clock": one_of("synced", "holdover", "unsynced"),
        "capabilities": TEXTS,
        "epoch": TEXT,
        "streams": object_with({"tx": _STREAM, "ops": _STREAM, "meter": _STREAM}),
        "stations": list_of(STATION),
        "stations_left_out": told(COUNT, "of a very large site"),
    }
)
LIVE: Schema = object_with(
    {
        "time": TIME,
        "station": told(TEXT_OR_NULL, "null: the site"),
        "connector": COUNT_OR_NULL,
        "data": told(ANYTHING, "of a station the OCPP payload; of the site {connected, meters}"),
    },
    optional=("connector",),
)
TEST = object_with({"test": {"const": True}, "at": TIME})
