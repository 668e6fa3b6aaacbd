"""The envelope of events (CloudEvents 1.0, structured), and every type of event with the schema of its data.

It does not know how events are made. The name of a type is what stands between `ocpp-gateway.` and `.v1`.
"""

from __future__ import annotations

from typing import NamedTuple

from gateway.contract.data_of_firmware import DATA_OF_FIRMWARE
from gateway.contract.data_of_sessions import DATA_OF_SAMPLES, DATA_OF_SESSIONS
from gateway.contract.data_of_site import DATA_OF_SITE
from gateway.contract.data_of_stations import DATA_OF_STATIONS
from gateway.contract.shapes import (
    COUNT,
    FLAG,
    NUMBER,
    OBJECT,
    SEQUENCE,
    TEXT,
    TIME,
    Schema,
    always,
    object_with,
    one_of,
    told,
)
from gateway.model.journal import STREAMS

_ID: Schema = {"type": "string", "pattern": "^[^:]+:(tx|ops|meter):[1-9][0-9]*$"}

ENVELOPE = object_with(
    {
        "specversion": always("1.0"),
        "id": told(_ID, "epoch:stream:sequence; with `source` the key by which to recognise a repeat"),
        "source": told(TEXT, "ocpp-gateway/ and the site's id, percent-encoded"),
        "type": {"type": "string", "pattern": "^ocpp-gateway\\.[a-z_.]+\\.v1$"},
        "subject": told(TEXT, "station/ID or station/ID/connector/N, ids percent-encoded; absent: the site itself"),
        "time": told(TIME, "when it happened, as well as is known"),
        "datacontenttype": always("application/json"),
        "dataschema": told(TEXT, "urn:ocpp-gateway:schema:NAME.v1; its schema is components/schemas/NAME.v1"),
        "epoch": told(TEXT, "sequences may be compared only inside one epoch; a restored backup begins another"),
        "stream": one_of(*STREAMS),
        "sequence": told(SEQUENCE, "rises by 1 within epoch and stream"),
        "after": told(COUNT, "what stands before it in the stream as it is sent; absent: sequence - 1"),
        "stationseq": told(SEQUENCE, "rises by 1 within epoch, stream and station"),
        "previousid": told(_ID, "the id that this event had when it was recorded, before a backup was restored"),
        "recordedtime": told(TIME, "when the gateway wrote it down"),
        "timequality": told(one_of("synced", "holdover", "unsynced", "station"), "how far to believe `time`"),
        "timeerrorms": told(NUMBER, "the estimated error of `time`"),
        "bootid": told(TEXT, "which run of the machine"),
        "monoms": told(COUNT, "milliseconds of that run: to date it again once the clock is known"),
        "historical": told(FLAG, "told late, not the present state"),
        "traceparent": TEXT,
        "data": OBJECT,
    },
    optional=(
        "subject", "dataschema", "after", "stationseq", "previousid", "timequality", "timeerrorms", "bootid",
        "monoms", "historical", "traceparent",
    ),
)  # fmt: skip


LEFT_OUT = told(
    object_with({"left_out_bytes": COUNT}),
    "data of an event that would be too large: only its small members, and how many bytes the whole has",
)


class EventType(NamedTuple):
    """A type of event: its full name, its stream, the schema of its data, a sentence for people."""

    type: str
    stream: str
    data: Schema
    about: str


DATA_OF_TYPE: dict[str, Schema] = {
    **DATA_OF_SESSIONS,
    **DATA_OF_SAMPLES,
    **DATA_OF_STATIONS,
    **DATA_OF_FIRMWARE,
    **DATA_OF_SITE,
}


def _stream_of(name: str) -> str:
    return "tx" if name in DATA_OF_SESSIONS else "meter" if name in DATA_OF_SAMPLES else "ops"


EVENT_TYPES: dict[str, EventType] = {
    name: EventType(f"ocpp-gateway.{name}.v1", _stream_of(name), data, name.replace(".", " ").replace("_", " "))
    for name, data in sorted(DATA_OF_TYPE.items())
}


def data_name(name: str) -> str:
    """What the schema of this type's data is called in the document."""
    return f"{name}.v1"


def schemas_of_data() -> dict[str, Schema]:
    """The schema of each type's data."""
    return {data_name(name): {**event.data, "title": event.type} for name, event in EVENT_TYPES.items()}
