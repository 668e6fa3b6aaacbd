"""What a session's meter said, for people and for transparency software: the station's own objects, nothing rounded.

Signed values come out byte-exact after JSON decoding, with the id of the raw frame they were in. Frames that are no
JSON objects of the expected shape are passed over here; they stay readable as journal events.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from gateway.model.instants import text_of
from gateway.store.meter_frames import MeterFrame, frames_of, unpack
from gateway.store.readers import Readers

Document = dict[str, object]

# Frames that arrived a moment ago are in no index yet; the station's own claim is enough to show them.
_NOT_INDEXED_YET = """SELECT id, station, connector, claimed_transaction_id, transaction_id, recorded_at, encoding, body
    FROM meter_frames
    WHERE id > (SELECT value FROM meta WHERE name = 'meter_indexed_upto')
      AND (transaction_id = ?1 OR (transaction_id IS NULL AND claimed_transaction_id = ?1
           AND station = (SELECT station FROM transactions WHERE transactions.transaction_id = ?1)))
    ORDER BY id"""


async def of_transaction(readers: Readers, transaction_id: int) -> tuple[list[Document], list[Document]]:
    """(meter_values, signed_values) of one transaction, oldest frame first."""
    frames = {frame.frame_id: frame for frame in await frames_of(readers, transaction_id)}
    for row in await readers.rows(_NOT_INDEXED_YET, (transaction_id,)):
        *known, encoding, body = tuple(row)
        frames.setdefault(row["id"], MeterFrame(*known, unpack(encoding, body)))  # type: ignore[call-arg]
    meter_values: list[Document] = []
    signed_values: list[Document] = []
    for frame in frames.values():
        for meter_value in _meter_values_in(frame):
            received = text_of(frame.recorded_at)
            meter_values.append({**meter_value, "received_time": received, "frame_id": frame.frame_id})
            signed_values += _signed_in(meter_value, received, frame.frame_id)
    return meter_values, signed_values


def _meter_values_in(frame: MeterFrame) -> Iterator[Document]:
    """The meterValue objects of MeterValues, or those of StopTransaction.transactionData."""
    try:
        payload = json.loads(frame.body)
    except ValueError:
        return
    if isinstance(payload, dict):
        payload = payload.get("meterValue", payload.get("transactionData"))
    yield from _objects(payload)


def _signed_in(meter_value: Document, received: str, frame_id: int) -> Iterator[Document]:
    for sampled in _objects(meter_value.get("sampledValue")):
        if sampled.get("format") == "SignedData":
            yield {
                "timestamp": meter_value.get("timestamp"),
                "context": sampled.get("context"),
                "measurand": sampled.get("measurand"),
                "value": sampled.get("value"),
                "received_time": received,
                "frame_id": frame_id,
            }


def _objects(value: object) -> Iterator[Document]:
    """The objects in a list; a lone object (some stations forget the list) counts as a list of one."""
    candidates: Iterable[object] = [value] if isinstance(value, dict) else value if isinstance(value, list) else []
    for candidate in candidates:
        if isinstance(candidate, dict):
            yield candidate
