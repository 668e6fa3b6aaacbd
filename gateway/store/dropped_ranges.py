"""What was deleted before every upstream had it, so that a gap of sequences is always explained.

Noted in the unit that deletes, told with one event per stream and reason when a round of deleting is over (`tell`).
A range says that `count` of its sequences are gone: where only some were (thinned), others of it are still there.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from gateway.model.instants import Instant
from gateway.model.journal import STREAMS
from gateway.rules.retention import Claims
from gateway.store import events
from gateway.store.writing import Stream, Writing

Reason = Literal["age_unacknowledged", "retention_size", "disk_pressure", "thinned"]

# So many ranges of a stream are kept apart; beyond it the oldest two become one.
_MOST_RANGES = 100


@dataclass(frozen=True, slots=True)
class Dropped:
    """So many of these sequences were deleted."""

    from_sequence: int
    to_sequence: int
    count: int
    reason: str


def note(db: Writing, stream: Stream, sequences: Sequence[int], reason: Reason, *, now: Instant) -> None:
    """These sequences are being deleted."""
    if not sequences:
        return
    db.execute(
        """INSERT INTO dropped_ranges (stream, from_sequence, to_sequence, count, reason, dropped_at)
           VALUES (?, ?, ?, ?, ?, ?)
           ON CONFLICT (stream, reason) WHERE NOT told DO UPDATE SET
               from_sequence = min(from_sequence, excluded.from_sequence),
               to_sequence = max(to_sequence, excluded.to_sequence),
               count = count + excluded.count,
               dropped_at = excluded.dropped_at""",
        (stream, min(sequences), max(sequences), len(sequences), reason, now),
    )


def between(db: Writing, stream: str, first: int, last: int) -> list[Dropped]:
    """What explains that some of these sequences are missing, in order."""
    rows = db.execute(
        "SELECT from_sequence, to_sequence, count, reason FROM dropped_ranges"
        " WHERE stream = ? AND from_sequence <= ? AND to_sequence >= ? ORDER BY from_sequence, number",
        (stream, last, first),
    )
    return [Dropped(*row) for row in rows]


def tell(db: Writing, *, now: Instant) -> list[tuple[str, str, int]]:
    """Put into the journal what was dropped since it was last told; (stream, reason, how many) of each event."""
    told = []
    for number, stream, *dropped in db.execute(_UNTOLD).fetchall():
        first, last, count, reason = dropped
        _tell(db, stream, first, last, count, reason, now)
        db.execute("UPDATE dropped_ranges SET told = 1 WHERE number = ?", (number,))
        _join_neighbour(db, number)
        told.append((stream, reason, count))
    for stream in ("meter", "ops"):
        name = f"{stream}_not_recorded"
        if count := db.meta(name):
            _tell(db, stream, None, None, count, "recording_stopped", now)
            db.set_meta(name, 0)
            told.append((stream, "recording_stopped", count))
    return told


def forget(db: Writing, claims: Claims) -> None:
    """Delete what explains nothing any more, because every upstream is beyond it; join the oldest of too many."""
    for stream in STREAMS:
        upto = 2**63 - 1 if claims.anybody is None else claims.anybody[stream]
        db.execute("DELETE FROM dropped_ranges WHERE told AND stream = ? AND to_sequence <= ?", (stream, upto))
        numbers = db.execute(
            "SELECT number FROM dropped_ranges WHERE told AND stream = ? ORDER BY to_sequence, number", (stream,)
        ).fetchall()
        for (number,), (following,) in pairwise(numbers[: max(0, len(numbers) - _MOST_RANGES + 1)]):
            _join(db, number, following)


def renumber(copy: sqlite3.Connection, shifts: Mapping[str, int]) -> None:
    """The sequences of each stream became smaller by its shift, in a database whose new life begins."""
    for stream, shift in shifts.items():
        copy.execute("DELETE FROM dropped_ranges WHERE stream = ? AND to_sequence <= ?", (stream, shift))
        copy.execute(
            "UPDATE dropped_ranges SET from_sequence = max(from_sequence - ?1, 1), to_sequence = to_sequence - ?1"
            " WHERE stream = ?2",
            (shift, stream),
        )


def _tell(db: Writing, stream: str, first: int | None, last: int | None, count: int, reason: str, now: Instant) -> None:
    data = {"stream": stream, "from": first, "to": last, "count": count, "reason": reason}
    events.append(db, "stream.dropped", happened_at=now, recorded_at=now, data=data)


def _join_neighbour(db: Writing, number: int) -> None:
    """Make one range of this and the one before of the same reason, when nothing is left between them."""
    row = db.execute(
        """SELECT before.number FROM dropped_ranges AS before JOIN dropped_ranges AS this
               ON before.stream = this.stream AND before.reason = this.reason AND before.told
           WHERE this.number = ?1 AND before.number < ?1
             AND before.to_sequence >= this.from_sequence - 1 AND before.from_sequence <= this.to_sequence + 1
           ORDER BY before.number DESC LIMIT 1""",
        (number,),
    ).fetchone()
    if row is not None:
        _join(db, row[0], number)


def _join(db: Writing, gone: int, kept: int) -> None:
    """Let one range say what two did; the reason is that of the larger one."""
    db.execute(
        """UPDATE dropped_ranges AS this SET
               from_sequence = min(this.from_sequence, other.from_sequence),
               to_sequence = max(this.to_sequence, other.to_sequence),
               count = this.count + other.count,
               reason = iif(other.count > this.count, other.reason, this.reason)
           FROM dropped_ranges AS other WHERE this.number = ?1 AND other.number = ?2""",
        (kept, gone),
    )
    db.execute("DELETE FROM dropped_ranges WHERE number = ?", (gone,))


_UNTOLD = """
    SELECT number, stream, from_sequence, to_sequence, count, reason FROM dropped_ranges
    WHERE NOT told ORDER BY number"""
