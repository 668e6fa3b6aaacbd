"""How far the meter values of each session were told in stream `tx`. What is told is decided elsewhere."""

from __future__ import annotations

from typing import NamedTuple

from gateway.model.identities import TransactionId
from gateway.store.writing import Writing


class Told(NamedTuple):
    """`quarter`: the newest of which something was told. `last_frame_id`: the newest frame whose last value was.

    `settled`: the session had ended, and its last value was told.
    """

    quarter: int | None = None
    last_frame_id: int = 0
    settled: bool = False


class Unsettled(NamedTuple):
    """An ended session; its newest frame has a last value that was not told yet, unless `last_frame_id` is None."""

    transaction_id: TransactionId
    told: Told
    last_frame_id: int | None


def of_session(db: Writing, transaction_id: TransactionId) -> Told:
    """What was told of a session so far."""
    row = db.execute(
        "SELECT quarter, last_frame_id, settled FROM meter_values_told WHERE transaction_id = ?", (transaction_id,)
    ).fetchone()
    return Told() if row is None else Told(row[0], row[1], bool(row[2]))


def note(db: Writing, transaction_id: TransactionId, told: Told) -> None:
    """How far a session is told now."""
    db.execute("INSERT OR REPLACE INTO meter_values_told VALUES (?, ?, ?, ?)", (transaction_id, *told))


def unsettled(db: Writing, *, most: int) -> list[Unsettled]:
    """Ended sessions whose last values may not have been told."""
    rows = db.execute(
        """SELECT m.transaction_id, m.quarter, m.last_frame_id,
                  (SELECT max(frame_id) FROM meter_index WHERE transaction_id = m.transaction_id)
           FROM meter_values_told m JOIN transactions t ON t.transaction_id = m.transaction_id
           WHERE m.settled = 0 AND t.stop_source IS NOT NULL LIMIT ?""",
        (most,),
    ).fetchall()
    return [
        Unsettled(number, Told(quarter, last), newest if newest is not None and newest > last else None)
        for number, quarter, last, newest in rows
    ]
