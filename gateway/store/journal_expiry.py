"""Deleting the oldest of the journal, a bite at a time; what an upstream had not acknowledged is noted as dropped.

Of stream `tx` nothing goes that a required upstream waits for, and of meter frames no evidence (signed values, the data
of a stop) that it waits for. The newest row of each stream always stays: the sequence numbers go on from it; of
stations they go on from what `station_numbers.note` noted, so call that first.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from gateway.model.instants import Instant
from gateway.rules.retention import EVERYTHING, Claims, Sample, estimated_bytes
from gateway.store import dropped_ranges
from gateway.store.dropped_ranges import Reason
from gateway.store.events import ALWAYS_RECORDED
from gateway.store.writing import Stream, Writing

# What a row takes beside its text or body, entries of indexes included.
EVENT_OVERHEAD_BYTES = 120
FRAME_OVERHEAD_BYTES = 100


@dataclass(frozen=True, slots=True)
class Deleting:
    """Why rows are deleted, which may be (`claims`), and how many rows a bite has."""

    reason: Reason
    claims: Claims
    most: int
    now: Instant


class Bite(NamedTuple):
    """How many rows went, their size, and whether the next bite may find more."""

    gone: int
    size_bytes: int
    more: bool


NOTHING = Bite(0, 0, more=False)


def delete_events(db: Writing, stream: Stream, why: Deleting, *, before: int = EVERYTHING) -> Bite:
    """Delete the oldest events of a stream that were recorded before that instant."""
    upto = why.claims.free_upto("tx") if stream == "tx" else EVERYTHING
    rows = db.execute(_DELETE_EVENTS, (stream, before, why.most, upto, EVENT_OVERHEAD_BYTES)).fetchall()
    _note(db, stream, [sequence for sequence, _ in rows], why)
    return Bite(len(rows), sum(size for _, size in rows), more=bool(rows))


def delete_unneeded_operations(db: Writing, why: Deleting) -> Bite:
    """Delete the oldest events of stream `ops`; kinds that are always recorded are passed over until `look_again`."""
    db.insert_late_rows()
    window = db.execute(_OPERATIONS, (db.meta("ops_passed_upto"), why.most, EVENT_OVERHEAD_BYTES)).fetchall()
    going = [row for row in window if row[2] not in ALWAYS_RECORDED]
    if window:
        db.set_meta("ops_passed_upto", window[-1][1])
    ids = json.dumps([row[0] for row in going])
    db.execute("DELETE FROM events WHERE id IN (SELECT value FROM json_each(?))", (ids,))
    _note(db, "ops", [row[1] for row in going], why)
    return Bite(len(going), sum(row[3] for row in going), more=bool(window))


def delete_frames(db: Writing, why: Deleting, *, before: int = EVERYTHING, spares_open: bool = False) -> Bite:
    """Delete the oldest meter frames that were recorded before that instant.

    What may not go is passed over until `look_again`; with `spares_open` also what belongs to sessions that are open.
    Frames whose session has not been looked for stay.
    """
    db.insert_late_rows()
    free_upto = why.claims.free_upto("meter")
    window = db.execute(
        _FRAMES, (db.meta("meter_passed_upto"), db.meta("meter_indexed_upto"), why.most, spares_open)
    ).fetchall()
    window = window[: next((place for place, row in enumerate(window) if row[2] >= before), len(window))]
    going = [row for row in window if not (row[3] and row[1] > free_upto) and not row[4]]
    if window:
        db.set_meta("meter_passed_upto", window[-1][0])
    # as far as the frames themselves say; the rest of the index is swept when its sessions have no frames any more
    of_sessions = [(session, row[0]) for row in going for session in row[5:] if session is not None]
    db.connection.executemany("DELETE FROM meter_index WHERE transaction_id = ? AND frame_id = ?", of_sessions)
    return delete_these_frames(db, [row[0] for row in going], why)._replace(more=bool(window))


def delete_these_frames(db: Writing, frame_ids: Sequence[int], why: Deleting) -> Bite:
    """Delete frames, of which some may be gone already."""
    rows = db.execute(_DELETE_FRAMES, (json.dumps(frame_ids), FRAME_OVERHEAD_BYTES)).fetchall()
    _note(db, "meter", [sequence for sequence, _ in rows], why)
    return Bite(len(rows), sum(size for _, size in rows), more=bool(rows))


def size_bytes(db: Writing, stream: Literal["ops", "meter"]) -> int:
    """About how much the stream takes, from a bounded number of its rows."""
    db.insert_late_rows()
    bounds, rows, overhead = _SIZES[stream]
    oldest, newest = db.execute(bounds).fetchone()
    if oldest is None:
        return 0
    step = (newest - oldest) // _SAMPLES + 1
    samples: list[Sample] = []
    for first in range(oldest, newest + 1, step):
        read = db.execute(rows, (first, first + step, _ROWS_SAMPLED)).fetchall()
        read_upto = read[-1][0] + 1 if len(read) == _ROWS_SAMPLED else first + step
        samples.append(Sample(first, first + step, read_upto, sum(length + overhead for _, length in read)))
    return estimated_bytes(samples)


def look_again(db: Writing) -> None:
    """From now on look again at what was passed over."""
    db.set_meta("meter_passed_upto", 0)
    db.set_meta("ops_passed_upto", 0)


def _note(db: Writing, stream: Stream, sequences: list[int], why: Deleting) -> None:
    dropped_ranges.note(db, stream, why.claims.lost(stream, sequences), why.reason, now=why.now)


_DELETE_EVENTS = """
    DELETE FROM events WHERE id IN (
        SELECT id FROM (
            SELECT id, sequence, recorded_at FROM events WHERE stream = ?1 AND sequence <= ?4 ORDER BY sequence LIMIT ?3
        ) WHERE recorded_at < ?2
    ) AND sequence < (SELECT max(sequence) FROM events WHERE stream = ?1)
    RETURNING sequence, length(data) + ?5"""
_OPERATIONS = """
    SELECT id, sequence, kind, length(data) + ?3 FROM events
    WHERE stream = 'ops' AND sequence > ?1 AND sequence < (SELECT max(sequence) FROM events WHERE stream = 'ops')
    ORDER BY sequence LIMIT ?2"""
# Frames are numbered in order of receipt, so the oldest are a range of ids and no index on time is needed.
_FRAMES = """
    SELECT id, sequence, recorded_at, evidence,
           ?4 AND EXISTS (
               SELECT 1 FROM transactions t
               JOIN meter_index i ON i.transaction_id = t.transaction_id AND i.frame_id = f.id
               WHERE t.station = f.station AND t.stop_source IS NULL),
           claimed_transaction_id, transaction_id
    FROM meter_frames f WHERE id > ?1 AND id <= ?2 AND id < (SELECT max(id) FROM meter_frames) ORDER BY id LIMIT ?3"""
_DELETE_FRAMES = """
    DELETE FROM meter_frames WHERE id IN (SELECT value FROM json_each(?)) RETURNING sequence, length(body) + ?"""
_SAMPLES, _ROWS_SAMPLED = 32, 32
_SIZES = {
    "ops": (
        "SELECT min(sequence), max(sequence) FROM events WHERE stream = 'ops'",
        "SELECT sequence, length(data) FROM events WHERE stream = 'ops' AND sequence >= ? AND sequence < ?"
        " ORDER BY sequence LIMIT ?",
        EVENT_OVERHEAD_BYTES,
    ),
    "meter": (
        "SELECT min(id), max(id) FROM meter_frames",
        "SELECT id, length(body) FROM meter_frames WHERE id >= ? AND id < ? ORDER BY id LIMIT ?",
        FRAME_OVERHEAD_BYTES,
    ),
}
