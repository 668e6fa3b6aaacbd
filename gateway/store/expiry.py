"""Deleting what may be forgotten, in small bites, so that no unit of work holds up the stations.

The newest row of each stream always stays: the sequence numbers go on from it; of stations they go on from what
`station_numbers.note` noted, so call that first. Every statement begins where the oldest
rows are and looks at no more rows than a bite has, however large the tables are.
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
        (_QUARANTINE, limits.quarantine),
        (_COMMANDS, limits.commands),
        (_FLEET_COMMANDS, limits.commands),
        (_JOBS, limits.operations),
        (_SILENT_JOBS, limits.operations),
        (_SECURITY_EVENTS, limits.operations),
        (_RESERVATIONS, limits.operations),
        (_LOAD_DECISIONS, limits.load),
    ):
        gone += db.execute(sql, (limit, most)).rowcount
    gone += _sweep_meter_index(db, most, never_ended=limits.meter)
    old = db.execute(_OLD_TRANSACTIONS, (limits.transactions, most)).fetchall()
    db.connection.executemany("DELETE FROM meter_index WHERE transaction_id = ?", old)
    db.connection.executemany("DELETE FROM meter_values_told WHERE transaction_id = ?", old)
    db.connection.executemany("DELETE FROM transactions WHERE transaction_id = ?", old)
    return gone + len(old)


def delete_oldest(db: Writing, *, most: int) -> int:
    """Whatever its age, delete the `most` oldest rows of each table that no bill rests on; returns how many went."""
    everything = 2**63 - 1
    gone = 0
    for sql in (_METER_FRAMES, _OPERATIONS, _QUARANTINE, _JOBS, _SECURITY_EVENTS, _LOAD_DECISIONS):
        gone += db.execute(sql, (everything, most)).rowcount
    return gone + _sweep_meter_index(db, most, never_ended=0)


def _sweep_meter_index(db: Writing, most: int, *, never_ended: int) -> int:
    """Forget which frames belonged to the next sessions whose frames are all gone; returns how many sessions it passed.

    Open sessions are waited for unless they began before `never_ended`. A frame that came after its session was passed
    leaves its row in the index until the session goes.
    """
    oldest = db.execute(_OLDEST_FRAME).fetchone()
    if oldest is None:
        return 0
    frame_id, recorded_at = oldest
    passed: list[tuple[int, int]] = []
    for transaction_id, started_at, ended_at in db.execute(_NEXT_SESSIONS, (db.meta("meter_index_swept_upto"), most)):
        if (ended_at is None and started_at >= never_ended) or (ended_at or 0) >= recorded_at:
            break
        passed.append((transaction_id, frame_id))
    if passed:
        db.connection.executemany("DELETE FROM meter_index WHERE transaction_id = ? AND frame_id < ?", passed)
        db.set_meta("meter_index_swept_upto", passed[-1][0])
    return len(passed)


# Frames are numbered in order of receipt, so the oldest are a range of ids and no index on time is needed.
_METER_FRAMES = """
    DELETE FROM meter_frames WHERE id IN (
        SELECT id FROM (SELECT id, recorded_at FROM meter_frames ORDER BY id LIMIT ?2) WHERE recorded_at < ?1
    ) AND id < (SELECT max(id) FROM meter_frames)
      AND id <= (SELECT min(value) FROM meta WHERE name IN ('meter_indexed_upto', 'station_numbers_upto'))"""
_OLDEST_FRAME = "SELECT id, recorded_at FROM meter_frames ORDER BY id LIMIT 1"
_NEXT_SESSIONS = """
    SELECT transaction_id, coalesce(start_received_at, 0), stop_received_at FROM transactions
    WHERE transaction_id > ?1 ORDER BY transaction_id LIMIT ?2"""
_EVENTS = """
    DELETE FROM events WHERE id IN (
        SELECT id FROM (SELECT id, recorded_at FROM events WHERE stream = '{stream}' ORDER BY sequence LIMIT ?2)
        WHERE recorded_at < ?1
    ) AND sequence < (SELECT max(sequence) FROM events WHERE stream = '{stream}')
      AND id <= (SELECT value FROM meta WHERE name = 'station_numbers_upto')"""
_OPERATIONS = _EVENTS.format(stream="ops")
_TRANSACTION_EVENTS = _EVENTS.format(stream="tx")
_OLD_TRANSACTIONS = """
    SELECT transaction_id FROM (
        SELECT transaction_id, stop_source, stop_received_at FROM transactions ORDER BY transaction_id LIMIT ?2
    ) WHERE stop_source IS NOT NULL AND stop_received_at < ?1"""
_QUARANTINE = """
    DELETE FROM quarantine WHERE id IN (
        SELECT id FROM (SELECT id, recorded_at FROM quarantine ORDER BY id LIMIT ?2) WHERE recorded_at < ?1)"""
_COMMANDS = """
    DELETE FROM commands WHERE command_id IN (
        SELECT command_id FROM commands WHERE asked_at < ?1 AND status <> 'running' ORDER BY asked_at LIMIT ?2)"""
_FLEET_COMMANDS = """
    DELETE FROM fleet_commands WHERE number IN (
        SELECT number FROM (SELECT number, received_at FROM fleet_commands ORDER BY number LIMIT ?2)
        WHERE received_at < ?1) AND finished_at IS NOT NULL"""
# Open ones stay as long: their stations may still be at work.
_JOBS = """
    DELETE FROM station_jobs WHERE job_id IN (
        SELECT job_id FROM station_jobs WHERE finished_at < ?1 ORDER BY finished_at LIMIT ?2)"""
_SILENT_JOBS = """
    DELETE FROM station_jobs WHERE job_id IN (
        SELECT job_id FROM (
            SELECT job_id, status_at FROM station_jobs WHERE finished_at IS NULL ORDER BY job_id LIMIT ?2
        ) WHERE status_at < ?1)"""
_SECURITY_EVENTS = """
    DELETE FROM security_events WHERE id IN (
        SELECT id FROM (SELECT id, recorded_at FROM security_events ORDER BY id LIMIT ?2) WHERE recorded_at < ?1)"""
_RESERVATIONS = """
    DELETE FROM reservations WHERE number IN (
        SELECT number FROM (SELECT number, ended_at FROM reservations ORDER BY number LIMIT ?2) WHERE ended_at < ?1)"""
_LOAD_DECISIONS = """
    DELETE FROM load_decisions WHERE decision_id IN (
        SELECT decision_id FROM (SELECT decision_id, decided_at FROM load_decisions ORDER BY decision_id LIMIT ?2)
        WHERE decided_at < ?1)"""
