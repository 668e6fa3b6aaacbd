"""Rows of sessions: recorded starts, stops and orphan stops. Every function runs inside a unit of work.

The schema guards what money depends on: one row per start key, one per transaction id, one per orphan stop.
"""

from __future__ import annotations

import json
import sqlite3

from gateway.model.identities import ConnectorId, FoldedTag, StationId, TransactionId
from gateway.model.instants import Instant
from gateway.model.sessions import Session, StartRequest, Stop, StopRequest
from gateway.model.tags import Verdict
from gateway.rules.authorization import OpenSession
from gateway.store.writing import Writing

_NONE = "[]"
_COLUMNS = (
    "transaction_id, station, connector, id_tag, folded_tag, parent_id_tag, authorization, start_at, meter_start_wh,"
    " start_message_id, stop_source, stop_at, meter_stop_wh, start_received_at, anomalies"
)


def find(db: Writing, transaction_id: int) -> Session | None:
    """The session with this id; None when there is none or the row is an orphan stop."""
    return _one(db, "transaction_id = ? AND start_at IS NOT NULL", (transaction_id,))


def find_for_start(db: Writing, request: StartRequest) -> tuple[Session | None, list[Session]]:
    """The session recorded for this very start, and the open sessions of its connector, oldest first."""
    rows = db.execute(
        f"SELECT 1, {_COLUMNS} FROM transactions WHERE station = ?1 AND connector = ?2 AND folded_tag = ?3"
        f" AND start_at = ?4 AND meter_start_wh = ?5 UNION ALL SELECT 0, {_COLUMNS} FROM transactions"
        " WHERE station = ?1 AND connector = ?2 AND stop_source IS NULL ORDER BY 2",
        (request.station, request.connector, request.folded_tag, request.start_at, request.meter_start_wh),
    ).fetchall()
    same = next((_session(row[1:]) for row in rows if row[0]), None)
    return same, [_session(row[1:]) for row in rows if not row[0]]


def open_of_station(db: Writing, station: StationId) -> list[Session]:
    """Open sessions of one station, oldest first."""
    return _many(db, "station = ? AND stop_source IS NULL", (station,))


def newest_on_connector(db: Writing, station: StationId, connector: ConnectorId) -> list[Session]:
    """The open sessions of a connector and the one ended last, newest first."""
    found = _many(db, "station = ? AND connector = ? AND stop_source IS NULL", (station, connector))
    ended = _many(
        db,
        "station = ? AND connector = ? AND start_at IS NOT NULL AND stop_source IS NOT NULL",
        (station, connector),
        "start_at DESC LIMIT 1",
    )
    return [*reversed(found), *ended]


def open_of_tag(db: Writing, folded_tag: FoldedTag) -> list[OpenSession]:
    """Open sessions of a tag anywhere on the site, with the time since which their connector has been free."""
    rows = db.execute(
        "SELECT t.station, t.connector, min(t.start_at, t.start_received_at), c.status_at"
        " FROM transactions t LEFT JOIN connectors c"
        " ON c.station = t.station AND c.connector = t.connector AND c.status = 'Available'"
        " WHERE t.stop_source IS NULL AND t.folded_tag = ?",
        (folded_tag,),
    )
    return [OpenSession(*row) for row in rows]


def all_open(db: Writing) -> list[tuple[Session, Instant | None]]:
    """Every open session of the site, with the time since which its connector has been Available, if it is."""
    found = _many(db, "stop_source IS NULL", ())
    free = {
        (station, connector): status_at
        for station, connector, status_at in db.execute(
            "SELECT station, connector, status_at FROM connectors WHERE status = 'Available'"
        )
    }
    return [(session, free.get((session.station, session.connector))) for session in found]


def issue_id(db: Writing) -> TransactionId:
    """The next transaction id: positive, rising, never used before on this site."""
    following = last_issued(db) + 1
    while db.execute("SELECT 1 FROM transactions WHERE transaction_id = ?", (following,)).fetchone():
        following += 1
    set_last_issued(db, following)
    return TransactionId(following)


def last_issued(db: Writing) -> int:
    """The greatest id given out so far, or known to be in use."""
    return db.meta("last_transaction_id")


def set_last_issued(db: Writing, transaction_id: int) -> None:
    """Go on from `transaction_id`."""
    db.set_meta("last_transaction_id", transaction_id)


def record_start(
    db: Writing,
    request: StartRequest,
    verdict: Verdict,
    *,
    received_at: Instant,
    remote_start_command: str | None,
) -> TransactionId:
    """Insert the session; returns its new id."""
    transaction_id = issue_id(db)
    db.execute(
        "INSERT INTO transactions (transaction_id, station, connector, id_tag, folded_tag, parent_id_tag,"
        " authorization, reservation_id, remote_start_command, start_at, start_text, meter_start_wh,"
        " start_message_id, start_received_at, anomalies) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            transaction_id,
            request.station,
            request.connector,
            request.id_tag,
            request.folded_tag,
            verdict.parent_id_tag,
            verdict.status,
            request.reservation_id,
            remote_start_command,
            request.start_at,
            request.start_text,
            request.meter_start_wh,
            request.message_id,
            received_at,
            json.dumps(request.anomalies) if request.anomalies else _NONE,
        ),
    )
    return transaction_id


def record_stop(db: Writing, transaction_id: int, stop: Stop, *, received_at: Instant) -> None:
    """Write the end of a session; a real stop may overwrite a reconstructed one, never another real one."""
    changed = db.execute(
        "UPDATE transactions SET stop_at = ?, stop_text = ?, meter_stop_wh = ?, reason = ?, stop_id_tag = ?,"
        " stop_received_at = ?, stop_source = ?, anomalies = ?"
        " WHERE transaction_id = ? AND stop_source IS NOT 'station'",
        (
            stop.stop_at,
            stop.stop_text,
            stop.meter_stop_wh,
            stop.reason,
            stop.stop_id_tag,
            received_at,
            stop.source,
            json.dumps(tuple(dict.fromkeys(stop.anomalies))) if stop.anomalies else _NONE,
            transaction_id,
        ),
    ).rowcount
    if changed != 1:
        raise sqlite3.IntegrityError(f"transaction {transaction_id} has already been ended by its station")


def record_orphan(
    db: Writing, request: StopRequest, anomalies: tuple[str, ...], *, received_at: Instant
) -> TransactionId | None:
    """Keep a stop that belongs to no known session; None when this very stop is already kept."""
    usable = 0 < request.claimed_id < 2**31 and not db.execute(
        "SELECT 1 FROM transactions WHERE transaction_id = ?", (request.claimed_id,)
    ).fetchone()
    if db.execute(
        "SELECT 1 FROM transactions WHERE start_at IS NULL AND station = ? AND claimed_transaction_id = ?"
        " AND stop_at = ? AND meter_stop_wh IS ?",
        (request.station, str(request.claimed_id), request.stop_at, request.meter_stop_wh),
    ).fetchone():
        return None
    transaction_id = TransactionId(request.claimed_id) if usable else issue_id(db)
    db.execute(
        "INSERT INTO transactions (transaction_id, station, stop_at, stop_text, meter_stop_wh, reason, stop_id_tag,"
        " stop_received_at, stop_source, claimed_transaction_id, anomalies)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'station', ?, ?)",
        (
            transaction_id,
            request.station,
            request.stop_at,
            request.stop_text,
            request.meter_stop_wh,
            request.reason,
            request.id_tag,
            received_at,
            str(request.claimed_id),
            json.dumps(anomalies),
        ),
    )
    return transaction_id


def _one(db: Writing, where: str, parameters: tuple[object, ...]) -> Session | None:
    row = db.execute(f"SELECT {_COLUMNS} FROM transactions WHERE {where}", parameters).fetchone()
    return None if row is None else _session(row)


def _many(db: Writing, where: str, parameters: tuple[object, ...], order: str = "transaction_id") -> list[Session]:
    rows = db.execute(f"SELECT {_COLUMNS} FROM transactions WHERE {where} ORDER BY {order}", parameters)
    return [_session(row) for row in rows]


def _session(row: tuple[object, ...]) -> Session:
    *values, received_at, anomalies = row
    told = () if anomalies == _NONE else tuple(json.loads(str(anomalies)))
    return Session(*values, told, received_at)  # type: ignore[call-arg, arg-type]
