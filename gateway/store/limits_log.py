"""The log of lower limits for a time: a row from when a source's limit was set until it was replaced, removed or over.

Whoever is held to a limit must be able to show it long after: rows stay two years after their end. Schedules of the
configuration are no external limits, and are not logged.
"""

from __future__ import annotations

from typing import Literal

from gateway.model.circuits import TemporaryLimit
from gateway.model.instants import Instant
from gateway.store.writing import Writing

EndedWhy = Literal["replaced", "removed", "over"]

MOST_ROWS = 500_000  # whatever their age: a limit that changes every two minutes for two years

_SAME = """
    UPDATE limits_log SET until = ? WHERE ended_at IS NULL AND circuit = ? AND source = ?
    AND (amps_1, amps_2, amps_3, set_by) = (?, ?, ?, ?)"""
_END = """
    UPDATE limits_log SET ended_at = ?, ended_why = ?, ended_by = ?
    WHERE ended_at IS NULL AND circuit = ? AND source = ?"""
_BEGIN = """
    INSERT INTO limits_log (circuit, source, amps_1, amps_2, amps_3, until, set_by, set_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)"""
_DELETE_OLD = """
    DELETE FROM limits_log WHERE number IN (
        SELECT number FROM limits_log WHERE ended_at < ?1 ORDER BY ended_at LIMIT ?2)"""
_DELETE_SURPLUS = """
    DELETE FROM limits_log WHERE number IN (
        SELECT number FROM limits_log WHERE number <= (SELECT max(number) FROM limits_log) - ?1
        AND ended_at IS NOT NULL ORDER BY number LIMIT ?2)"""


def begin(db: Writing, limit: TemporaryLimit, *, set_by: str, now: Instant) -> None:
    """This limit holds from now on, in place of the one that its source had for the circuit."""
    amps = limit.limit_amps
    if db.execute(_SAME, (limit.until, limit.circuit, limit.source, *amps, set_by)).rowcount:
        return
    end(db, limit, "replaced", by=set_by, now=now)
    db.execute(_BEGIN, (limit.circuit, limit.source, *amps, limit.until, set_by, now))


def end(db: Writing, limit: TemporaryLimit, why: EndedWhy, *, by: str | None, now: Instant) -> None:
    """The limit of this source for the circuit holds no more; nothing when the log knows of none."""
    db.execute(_END, (now, why, by, limit.circuit, limit.source))


def delete_before(db: Writing, before: Instant, *, most: int) -> int:
    """Delete up to `most` rows whose limit ended before, and as many that are beyond `MOST_ROWS`; how many went."""
    old = db.execute(_DELETE_OLD, (before, most)).rowcount
    return old + db.execute(_DELETE_SURPLUS, (MOST_ROWS, most)).rowcount
