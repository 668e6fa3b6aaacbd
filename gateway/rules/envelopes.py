"""How is an event of the journal told to fleet managers? CloudEvents 1.0 in structured form, with our extensions.

The same event always gives the same bytes, whenever it is sent, so that its id tells a repeat. Names of types are fixed
(docs/fleet.md); where several kinds of the journal share a type, `change` in its data says which it is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from urllib.parse import quote

from gateway.model.instants import SECOND, text_of
from gateway.model.journal import METER_KIND, JournalEvent, payload_of

Document = dict[str, object]

EVENT_CONTENT = "application/cloudevents+json; charset=utf-8"
BATCH_CONTENT = "application/cloudevents-batch+json"
# AWS IoT takes 128 KiB in one message
MOST_BYTES = 100 * 1024
PACKET_OVERHEAD_BYTES = 256  # of a message: topic, properties, header
_SMALL_MEMBER_BYTES = 300
# Told so much later than it happened, it does not describe the present.
_LATE = 60 * SECOND

# kind of the journal -> (name of the type, `change` in its data); a kind that is not here is its own name
TYPE_OF_KIND: Mapping[str, tuple[str, str | None]] = {
    "charging_profiles.changed": ("profile.changed", None),
    "charging_profiles.doubted": ("profile.changed", "doubted"),
    "charging_profiles.uncertain": ("profile.changed", "uncertain"),
    "gateway.security_event": ("security.event", None),
    "load.limit_ended": ("limit.changed", "ended"),
    "load.limit_removed": ("limit.changed", "removed"),
    "load.limit_set": ("limit.changed", "set"),
    "meter.trust_changed": ("meter.trust", None),
    "meter.values": ("station.sample", None),
    "reservation.ended": ("reservation.changed", "ended"),
    "reservation.made": ("reservation.changed", "made"),
    "reservation.passed_over": ("reservation.changed", "passed_over"),
    "reservation.uncertain": ("reservation.changed", "uncertain"),
    "reservation.used": ("reservation.changed", "used"),
    "station.security_event": ("security.event", None),
}


def type_name(kind: str, data: Mapping[str, object]) -> str:
    """The fixed name of an event's type, without `ocpp-gateway.` and `.v1`."""
    if kind == "transaction.ended" and data.get("corrects") is not None:
        return "transaction.corrected"
    return TYPE_OF_KIND.get(kind, (kind, None))[0]


def envelope_of(event: JournalEvent, *, epoch: str, site: str, after: int | None = None) -> Document:
    """The event as a CloudEvent. `after`: the sequence that precedes it in its stream, where that is not one less."""
    data = _data_of(event)
    name = type_name(event.kind, data)
    document: Document = {
        "specversion": "1.0",
        "id": f"{epoch}:{event.stream}:{event.sequence}",
        "source": f"ocpp-gateway/{quote(site, safe='')}",
        "type": f"ocpp-gateway.{name}.v1",
    }
    if event.station:
        place = "" if event.connector is None else f"/connector/{event.connector}"
        document["subject"] = f"station/{quote(event.station, safe='')}{place}"
    document |= {
        "time": text_of(event.happened_at),
        "datacontenttype": "application/json",
        "dataschema": f"urn:ocpp-gateway:schema:{name}.v1",
        "epoch": epoch,
        "stream": event.stream,
        "sequence": event.sequence,
    }
    if after is not None and after != event.sequence - 1:
        document["after"] = after
    if event.station_sequence is not None:
        document["stationseq"] = event.station_sequence
    if event.previous_id is not None:
        document["previousid"] = event.previous_id
    document["recordedtime"] = text_of(event.recorded_at)
    document |= _clock_of(event)
    document["historical"] = bool(data.get("historical")) or event.recorded_at - event.happened_at > _LATE
    document["data"] = data
    return document


def cut(document: Document, *, size_bytes: int, most_bytes: int) -> Document:
    """The event without what makes it too large to send: the small members of its data, and how large it was.

    Of these as many as there is room for, the smallest first. It may still be too large when everything else is.
    """
    data = document["data"]
    assert isinstance(data, Mapping)
    room = most_bytes - _bytes_of(document | {"data": {"left_out_bytes": size_bytes}})
    kept = set()
    for size, name in sorted((_bytes_of({name: value}), name) for name, value in data.items()):
        room -= size
        if size > _SMALL_MEMBER_BYTES or room < 0:
            break
        kept.add(name)
    small = {name: value for name, value in data.items() if name in kept}
    return document | {"data": {**small, "left_out_bytes": size_bytes}}


def _bytes_of(value: object) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace"))


def _clock_of(event: JournalEvent) -> Document:
    """How far to believe `time`: the station's word, or the clock's state when it was recorded."""
    clock = event.clock
    if clock is None:
        return {}
    by_station = event.happened_at != event.recorded_at
    return {
        "timequality": "station" if by_station else clock.quality,
        "timeerrorms": clock.error_ms,
        "bootid": clock.boot_id,
        "monoms": max(0, clock.monotonic_ms(event.recorded_at)),
    }


def _data_of(event: JournalEvent) -> Document:
    if event.kind == METER_KIND:
        return _sample(event)
    data: Document = json.loads(event.data)
    change = TYPE_OF_KIND.get(event.kind, ("", None))[1]
    if change is not None:
        data["change"] = change
    shape = _SHAPES.get(event.kind)
    return data if shape is None else shape(event, data)


def _sample(event: JournalEvent) -> Document:
    """Meter values as the station sent them."""
    return {
        "station": event.station,
        "connector": event.connector,
        "transaction_id": event.transaction_id,
        "payload": payload_of(event.data),
    }


def _started(event: JournalEvent, data: Document) -> Document:
    return _session(event, data, station_time=data.get("start_time_text"))


def _ended(event: JournalEvent, data: Document) -> Document:
    return _session(event, data, station_time=data.get("stop_time_text"))


def _session(event: JournalEvent, data: Document, *, station_time: object) -> Document:
    by = data.pop("authorized_by", None) or "unknown"
    return {
        **data,
        "station": event.station,
        "connector": event.connector,
        "station_time": station_time,
        "authorization": {"decision": data.get("authorization"), "by": by},
    }


def _of_station(event: JournalEvent, data: Document) -> Document:
    return {**data, "station": event.station, "connector": event.connector}


def _security(event: JournalEvent, data: Document) -> Document:
    return {**data, "station": event.station, "told_by": event.kind.partition(".")[0]}


_SHAPES: Mapping[str, Callable[[JournalEvent, Document], Document]] = {
    "authorization.decided": _of_station,
    "gateway.security_event": _security,
    "station.security_event": _security,
    "transaction.ended": _ended,
    "transaction.meter_values": _of_station,
    "transaction.orphan_stop": _of_station,
    "transaction.started": _started,
    "transaction.stop_repeated": _of_station,
}
