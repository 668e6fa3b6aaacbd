"""Deleting what may be forgotten, in small bites, so that no unit of work holds up the stations.

Every statement begins where the oldest rows are and looks at no more rows than a bite has, however large the tables
are. What of the journal may go, and how that is told, is said in `journal_expiry`.
"""

from __future__ import annotations

from gateway.model.instants import Instant
from gateway.rules.retention import EVERYTHING, Claims, Limits
from gateway.store import campaigns, journal_expiry
from gateway.store.journal_expiry import Deleting
from gateway.store.writing import Writing

# So many events are looked through for sessions that must stay; while more are awaited, no session goes.
_MOST_AWAITED = 100_000


def delete_some(db: Writing, limits: Limits, *, claims: Claims, most: int, now: Instant) -> int:
    """Delete at most `most` rows of each table that are older than allowed; returns how many were dealt with."""
    why = Deleting("age_unacknowledged", claims, most, now)
    frames = journal_expiry.delete_frames(db, why, before=limits.meter)
    dealt_with = max(frames.gone, int(frames.more))
    dealt_with += journal_expiry.delete_events(db, "ops", why, before=limits.operations).gone
    dealt_with += journal_expiry.delete_events(db, "tx", why, before=limits.transactions).gone
    for sql, limit in (
        (_QUARANTINE, limits.quarantine),
        (_COMMANDS, limits.commands),
        (_FLEET_COMMANDS, limits.commands),
        (_JOBS, limits.operations),
        (_SILENT_JOBS, limits.operations),
        (_SECURITY_EVENTS, limits.operations),
        (_RESERVATIONS, limits.operations),
        (_LINKS, limits.operations),
        (_LOAD_DECISIONS, limits.load),
        (_WITHDRAWN_IMAGES, limits.operations),
    ):
        dealt_with += db.execute(sql, (limit, most)).rowcount
    dealt_with += campaigns.delete_old(db, finished_before=limits.operations)
    dealt_with += _sweep_meter_index(db, most, never_ended=limits.meter)
    return dealt_with + _delete_sessions(db, limits.transactions, claims, most)


def delete_oldest_beside_journal(db: Writing, *, most: int) -> int:
    """Whatever their age, delete the `most` oldest of the messages that were not understood and of load decisions."""
    gone = sum(db.execute(sql, (EVERYTHING, most)).rowcount for sql in (_QUARANTINE, _LOAD_DECISIONS))
    return gone + _sweep_meter_index(db, most, never_ended=0)


def _delete_sessions(db: Writing, before: Instant, claims: Claims, most: int) -> int:
    """Delete old sessions that ended, but none of which stream `tx` says something that a required upstream awaits."""
    old = db.execute(_OLD_TRANSACTIONS, (before, most)).fetchall()
    awaited = _awaited_sessions(db, claims) if old else set()
    if awaited is None:
        return 0
    old = [row for row in old if row[0] not in awaited]
    db.connection.executemany("DELETE FROM meter_index WHERE transaction_id = ?", old)
    db.connection.executemany("DELETE FROM meter_values_told WHERE transaction_id = ?", old)
    db.connection.executemany("DELETE FROM transactions WHERE transaction_id = ?", old)
    return len(old)


def _awaited_sessions(db: Writing, claims: Claims) -> set[int] | None:
    """The sessions of the events that a required upstream waits for; None: too many to look at."""
    db.insert_late_rows()
    rows = db.execute(_AWAITED_SESSIONS, (claims.free_upto("tx"), _MOST_AWAITED + 1)).fetchall()
    return None if len(rows) > _MOST_AWAITED else {transaction_id for (transaction_id,) in rows}


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


_OLDEST_FRAME = "SELECT id, recorded_at FROM meter_frames ORDER BY id LIMIT 1"
_NEXT_SESSIONS = """
    SELECT transaction_id, coalesce(start_received_at, 0), stop_received_at FROM transactions
    WHERE transaction_id > ?1 ORDER BY transaction_id LIMIT ?2"""
_AWAITED_SESSIONS = """
    SELECT CAST(data ->> 'transaction_id' AS INTEGER) FROM events WHERE stream = 'tx' AND sequence > ? LIMIT ?"""
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
_LINKS = """
    DELETE FROM transfer_links WHERE link_id IN (
        SELECT link_id FROM transfer_links WHERE expires_at < ?1 ORDER BY expires_at LIMIT ?2)"""
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
_WITHDRAWN_IMAGES = """
    DELETE FROM firmware_images WHERE image_id IN (
        SELECT image_id FROM firmware_images WHERE state = 'withdrawn' AND removed_at < ?1
        AND image_id NOT IN (SELECT image_id FROM campaigns) LIMIT ?2)"""
