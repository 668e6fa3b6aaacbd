"""Deleting what may be forgotten, in small bites, so that no unit of work holds up the stations.

The newest row of each stream always stays: the sequence numbers go on from it.
"""

from __future__ import annotations

from gateway.rules.retention import Limits
from gateway.store.writing import Writing


def delete_some(db: Writing, limits: Limits, *, most: int) -> int:
    """Delete at most `most` rows of each table that are older than allowed; returns how many went."""
    gone = 0
    for sql, limit in (
        (_METER_FRAMES, limits.meter),
        (_OPERATIONS, limits.operations),
        (_TRANSACTION_EVENTS, limits.transactions),
        (_TRANSACTIONS, limits.transactions),
        (_QUARANTINE, limits.quarantine),
        (_COMMANDS, limits.commands),
    ):
        gone += db.execute(sql, (limit, most)).rowcount
    gone += db.execute(_METER_INDEX, (most,)).rowcount
    return gone


# Frames are numbered in order of receipt, so the oldest are a range of ids and no index on time is needed.
_METER_FRAMES = """
    DELETE FROM meter_frames WHERE id IN (
        SELECT id FROM (SELECT id, recorded_at FROM meter_frames ORDER BY id LIMIT ?2) WHERE recorded_at < ?1
    ) AND id < (SELECT max(id) FROM meter_frames)
      AND id <= (SELECT value FROM meta WHERE name = 'meter_indexed_upto')"""
_METER_INDEX = """
    DELETE FROM meter_index WHERE (transaction_id, frame_id) IN (
        SELECT transaction_id, frame_id FROM meter_index
        WHERE frame_id < (SELECT min(id) FROM meter_frames) ORDER BY transaction_id LIMIT ?1)"""
_EVENTS = """
    DELETE FROM events WHERE id IN (
        SELECT id FROM (SELECT id, recorded_at FROM events WHERE stream = '{stream}' ORDER BY sequence LIMIT ?2)
        WHERE recorded_at < ?1
    ) AND sequence < (SELECT max(sequence) FROM events WHERE stream = '{stream}')"""
_OPERATIONS = _EVENTS.format(stream="ops")
_TRANSACTION_EVENTS = _EVENTS.format(stream="tx")
_TRANSACTIONS = """
    DELETE FROM transactions WHERE transaction_id IN (
        SELECT transaction_id FROM transactions
        WHERE stop_source IS NOT NULL AND stop_received_at < ?1 ORDER BY transaction_id LIMIT ?2)"""
_QUARANTINE = """
    DELETE FROM quarantine WHERE id IN (
        SELECT id FROM (SELECT id, recorded_at FROM quarantine ORDER BY id LIMIT ?2) WHERE recorded_at < ?1)"""
_COMMANDS = """
    DELETE FROM commands WHERE command_id IN (
        SELECT command_id FROM commands WHERE asked_at < ?1 AND status <> 'running' ORDER BY asked_at LIMIT ?2)"""
