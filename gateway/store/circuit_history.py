"""The extremes of circuits, a row per circuit and minute; what they mean is in `rules.circuit_history`."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.model.instants import Instant
from gateway.rules.circuit_history import MINUTE, Extremes
from gateway.store.writing import Writing

# The same minute comes again after a restart, or when the clock was set back.
_KEEP = """
    INSERT INTO circuit_history VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
        limit_1_ma = min(limit_1_ma, excluded.limit_1_ma), limit_2_ma = min(limit_2_ma, excluded.limit_2_ma),
        limit_3_ma = min(limit_3_ma, excluded.limit_3_ma),
        measured_1_ma = coalesce(max(measured_1_ma, excluded.measured_1_ma), measured_1_ma, excluded.measured_1_ma),
        measured_2_ma = coalesce(max(measured_2_ma, excluded.measured_2_ma), measured_2_ma, excluded.measured_2_ma),
        measured_3_ma = coalesce(max(measured_3_ma, excluded.measured_3_ma), measured_3_ma, excluded.measured_3_ma),
        allotted_1_ma = max(allotted_1_ma, excluded.allotted_1_ma),
        allotted_2_ma = max(allotted_2_ma, excluded.allotted_2_ma),
        allotted_3_ma = max(allotted_3_ma, excluded.allotted_3_ma)"""
# One look into the primary key for each circuit, however many minutes there are.
_CIRCUITS = """
    WITH RECURSIVE named(circuit) AS (
        SELECT min(circuit) FROM circuit_history
        UNION ALL
        SELECT (SELECT min(h.circuit) FROM circuit_history h WHERE h.circuit > named.circuit) FROM named
        WHERE named.circuit IS NOT NULL)
    SELECT circuit FROM named WHERE circuit IS NOT NULL"""
_DELETE = """
    DELETE FROM circuit_history WHERE circuit = ?1 AND minute IN (
        SELECT minute FROM circuit_history WHERE circuit = ?1 AND minute < ?2 ORDER BY minute LIMIT ?3)"""


def keep(db: Writing, minute: int, circuits: Mapping[str, Extremes]) -> None:
    """Add what was seen in this minute (since 1970) by circuit."""
    rows = [(name, minute, *seen.limit_ma, *seen.measured_ma, *seen.allotted_ma) for name, seen in circuits.items()]
    db.connection.executemany(_KEEP, rows)


def delete_before(db: Writing, before: Instant, *, most: int) -> int:
    """Delete up to `most` of each circuit's minutes that ended before; how many went."""
    circuits = db.execute(_CIRCUITS).fetchall()
    return sum(db.execute(_DELETE, (name, before // MINUTE, most)).rowcount for (name,) in circuits)
