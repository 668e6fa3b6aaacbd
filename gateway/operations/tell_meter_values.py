"""Tells in stream `tx` what billing needs of a session's meter values, some time after they came.

Done with the index of frames, so that no station waits for it. Which values these are is decided by
`rules.billing_values`; they are told as the station sent them, in events of bounded size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import msgspec

from gateway.model.identities import StationId, TransactionId
from gateway.model.instants import Instant
from gateway.ocpp.v16.mending import JSON
from gateway.operations.read_meter_bodies import MeterValue, meter_values_of, plain_moments
from gateway.rules.billing_values import Measurement, best_time, wanted
from gateway.store import events, meter_frames, meter_values_told
from gateway.store.meter_frames import MeterFrame, Unindexed
from gateway.store.meter_values_told import Told
from gateway.store.writing import Writing

# Of one event: well below what one message to a fleet manager may have.
_MOST_BYTES = 48_000
_LONGEST_TIMESTAMP = 40
_TRANSACTION_DATA = b'"transactionData"'

OffsetOf = Callable[[StationId], int]


def tell_values(
    db: Writing,
    found: Sequence[tuple[TransactionId, Unindexed]],
    *,
    offset_of: OffsetOf,
    most_bytes: int,
    now: Instant,
) -> int:
    """Tell what is due of these frames and their sessions; how many were looked at before there were `most_bytes`."""
    known: dict[TransactionId, Told] = {}
    bytes_read = 0
    for done, (transaction_id, unindexed) in enumerate(found):
        if bytes_read >= most_bytes:
            return done
        frame = meter_frames.find(db, unindexed.frame_id)
        if frame is None:
            continue
        bytes_read += len(frame.body)
        before = known.get(transaction_id) or meter_values_told.of_session(db, transaction_id)
        known[transaction_id] = _tell_frame(db, transaction_id, frame, before, offset_of(frame.station), now)
    return len(found)


def tell_last_values(db: Writing, *, offset_of: OffsetOf, most: int, most_bytes: int, now: Instant) -> int:
    """Tell the last value of sessions that have ended, where it was not told; how many sessions were settled."""
    waiting = meter_values_told.unsettled(db, most=most)
    bytes_read = 0
    for done, one in enumerate(waiting):
        if bytes_read >= most_bytes:
            return done
        frame = None if one.last_frame_id is None else meter_frames.find(db, one.last_frame_id)
        told = one.told
        if frame is not None:
            bytes_read += len(frame.body)
            values = meter_values_of(frame.body, utc_offset_minutes=offset_of(frame.station))
            _append(db, one.transaction_id, frame, values[-1:], now)
            told = told._replace(last_frame_id=frame.frame_id)
        meter_values_told.note(db, one.transaction_id, told._replace(settled=True))
    return len(waiting)


def _tell_frame(
    db: Writing, transaction_id: TransactionId, frame: MeterFrame, before: Told, utc_offset_minutes: int, now: Instant
) -> Told:
    if not before.settled and _is_nothing_due(frame, before, utc_offset_minutes):
        return before
    values = meter_values_of(frame.body, utc_offset_minutes=utc_offset_minutes)
    measured = [Measurement(value.at, value.marked) for value in values]
    whole = _TRANSACTION_DATA in frame.body and len(frame.body) <= _MOST_BYTES
    chosen = wanted(measured, received_at=frame.recorded_at, told_quarter=before.quarter, whole=whole)
    if not chosen.positions:
        if before.settled and values:  # it came late, and may be the last of its session
            before = before._replace(settled=False)
            meter_values_told.note(db, transaction_id, before)
        return before
    _append(db, transaction_id, frame, [values[position] for position in chosen.positions], now)
    to_the_end = chosen.positions[-1] == len(values) - 1
    told = Told(chosen.quarter, frame.frame_id if to_the_end else before.last_frame_id)
    meter_values_told.note(db, transaction_id, told)
    return told


def _is_nothing_due(frame: MeterFrame, before: Told, utc_offset_minutes: int) -> bool:
    """Is this one of the many frames of which nothing is told? Found out without reading its values."""
    moments = plain_moments(frame.body, utc_offset_minutes=utc_offset_minutes)
    if moments is None:
        return False
    measured = [Measurement(at) for at in moments]
    chosen = wanted(measured, received_at=frame.recorded_at, told_quarter=before.quarter, whole=False)
    return not chosen.positions


def _append(
    db: Writing, transaction_id: TransactionId, frame: MeterFrame, values: Sequence[MeterValue], now: Instant
) -> None:
    for part in _parts(values):
        events.append(
            db,
            "transaction.meter_values",
            station=frame.station,
            connector=frame.connector,
            happened_at=best_time(part[-1].at, frame.recorded_at),
            recorded_at=now,
            data={
                "transaction_id": transaction_id,
                "connector": frame.connector,
                "values": [value.document for value in part],
                "signed": any(value.signed for value in part),
            },
            uncut=True,
        )


def _parts(values: Sequence[MeterValue]) -> Iterator[list[MeterValue]]:
    """The values in parts that fit into an event each; of one that does not fit alone, only its size is told."""
    part: list[MeterValue] = []
    room = _MOST_BYTES
    for value in values:
        size = len(msgspec.json.encode(value.document)) + 1
        if size > _MOST_BYTES:
            timestamp = str(value.document.get("timestamp"))[:_LONGEST_TIMESTAMP]
            document: dict[str, JSON] = {"timestamp": timestamp, "left_out_bytes": size}
            value, size = value._replace(document=document), len(msgspec.json.encode(document)) + 1
        if size > room and part:
            yield part
            part, room = [], _MOST_BYTES
        part.append(value)
        room -= size
    if part:
        yield part
