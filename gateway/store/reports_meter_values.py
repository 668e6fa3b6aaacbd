"""What a session's meter said, for people and for transparency software: the station's own objects, nothing rounded.

Signed values come out byte-exact after JSON decoding, with the id of the raw frame they were in. Frames that are no
JSON objects of the expected shape are passed over here; they stay readable as journal events.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from sqlite3 import Row
from typing import NamedTuple

from gateway.model.instants import Instant, text_of
from gateway.store.meter_frames import unpack
from gateway.store.readers import Readers

Document = dict[str, object]

# The newest frames are in no index yet, or were put there ahead of their turn and say so themselves; the station's own
# claim is enough to show them.
_FRAMES = """
    SELECT f.id, f.recorded_at, f.encoding, f.body, f.evidence
    FROM meter_index i JOIN meter_frames f ON f.id = i.frame_id
    WHERE i.transaction_id = ?1 AND i.frame_id <= (SELECT value FROM meta WHERE name = 'meter_indexed_upto')
    UNION ALL
    SELECT id, recorded_at, encoding, body, evidence FROM meter_frames
    WHERE id > (SELECT value FROM meta WHERE name = 'meter_indexed_upto')
      AND (transaction_id = ?1 OR (transaction_id IS NULL AND claimed_transaction_id = ?1
           AND station = (SELECT station FROM transactions WHERE transactions.transaction_id = ?1)))
    ORDER BY 1"""
# What may hold signed values was marked when it came, since schema version 4; what is older is passed over.
_SIGNED_FRAMES = f"SELECT * FROM ({_FRAMES}) WHERE evidence"


# The newest frame of each of these sessions, as far as their sessions were found.
_NEWEST = """
    SELECT n.transaction_id, f.recorded_at, f.encoding, f.body FROM (
        SELECT value AS transaction_id,
               (SELECT max(i.frame_id) FROM meter_index i WHERE i.transaction_id = value) AS frame_id
        FROM json_each(?)) n JOIN meter_frames f ON f.id = n.frame_id"""


class NewestFrame(NamedTuple):
    """The newest frame of a session, as it is stored."""

    recorded_at: Instant
    encoding: int
    body: bytes

    def meter_values(self) -> list[Document]:
        """Its meter values, as those of `of_transaction`."""
        received = text_of(self.recorded_at)
        return [{**value, "received_time": received} for value in _meter_values_in(unpack(self.encoding, self.body))]


async def newest_of(readers: Readers, transaction_ids: Sequence[int]) -> Mapping[int, NewestFrame]:
    """By transaction id; unpacking is left to whoever has a thread for it."""
    rows = await readers.rows(_NEWEST, (json.dumps(list(transaction_ids)),))
    return {row[0]: NewestFrame(Instant(row[1]), row[2], row[3]) for row in rows}


async def of_transaction(
    readers: Readers, transaction_id: int, *, signed_only: bool = False
) -> tuple[list[Document], list[Document]]:
    """(meter_values, signed_values) of one transaction, oldest frame first; stations are answered meanwhile.

    `signed_only`: frames without signed values may be passed over, so that fewer are unpacked.
    """
    rows = await readers.rows(_SIGNED_FRAMES if signed_only else _FRAMES, (transaction_id,))
    return await asyncio.to_thread(_values_in, rows) if rows else ([], [])


def _values_in(rows: Iterable[Row]) -> tuple[list[Document], list[Document]]:
    meter_values: list[Document] = []
    signed_values: list[Document] = []
    for frame_id, recorded_at, encoding, body, _ in rows:
        received = text_of(Instant(recorded_at))
        for meter_value in _meter_values_in(unpack(encoding, body)):
            meter_values.append({**meter_value, "received_time": received, "frame_id": frame_id})
            signed_values += _signed_in(meter_value, received, frame_id)
    return meter_values, signed_values


def _meter_values_in(body: bytes) -> Iterator[Document]:
    """The meterValue objects of MeterValues, or those of StopTransaction.transactionData."""
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError):
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
