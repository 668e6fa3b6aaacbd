"""Rows of sessions: recorded starts, stops and orphan stops. Every function runs inside a unit of work.

The schema guards what money depends on: one row per start key, one per transaction id, one per orphan stop. What a
station told is never changed: a register measured in place of one that was not told has a column of its own.
"""

from __future__ import annotations

import json
import sqlite3

from gateway.model.identities import CommandId, ConnectorId, FoldedTag, StationId, TransactionId
from gateway.model.instants import Instant
from gateway.model.sessions import OrphanStop, Session, StartRequest, Stop, StopRequest
from gateway.model.tags import DecidedBy, Verdict
from gateway.rules.authorization import OpenSession
from gateway.rules.transactions import GREATEST_TRANSACTION_ID, is_usable_id
from gateway.store.writing import Writing

_NONE = "[]"
_COLUMNS = (
    "transaction_id, station, connector, id_tag, folded_tag, parent_id_tag, authorization, start_at,"
    " coalesce(meter_start_wh, measured_start_wh), start_message_id, stop_source, stop_at, meter_stop_wh,"
    " start_received_at, start_text, start_repeat, reservation_id, authorized_by, anomalies"
)


def find(db: Writing, transaction_id: int) -> Session | None:
    """The session with this id; None when there is none or the row is an orphan stop."""
    return _one(db, "transaction_id = ? AND start_at IS NOT NULL", (transaction_id,))


def began_since(db: Writing, start: StartRequest, command_id: CommandId, *, besides: int) -> bool:
    """Has another session with the tag of `start` begun at its station since this command was asked?"""
    found = db.execute(
        "SELECT 1 FROM transactions WHERE station = ? AND folded_tag = ? AND transaction_id <> ?"
        " AND start_received_at >= (SELECT asked_at FROM commands WHERE command_id = ?) LIMIT 1",
        (start.station, start.folded_tag, besides, command_id),
    )
    return found.fetchone() is not None


def find_for_start(db: Writing, request: StartRequest) -> tuple[Session | None, list[Session]]:
    """The newest session recorded for this very start, and the open sessions of its connector, oldest first."""
    rows = db.execute(
        f"SELECT 1, {_COLUMNS} FROM transactions INDEXED BY starts WHERE station = ?1 AND connector = ?2"
        " AND folded_tag = ?3 AND start_at = ?4 AND coalesce(meter_start_wh, -1) = coalesce(?5, -1)"
        f" UNION ALL SELECT 0, {_COLUMNS} FROM transactions"
        " WHERE station = ?1 AND connector = ?2 AND stop_source IS NULL ORDER BY 2",
        (request.station, request.connector, request.folded_tag, request.start_at, request.meter_start_wh),
    ).fetchall()
    same = [_session(row[1:]) for row in rows if row[0]]
    newest = max(same, key=lambda session: session.start_repeat) if same else None
    return newest, [_session(row[1:]) for row in rows if not row[0]]


def find_kept_stop(db: Writing, request: StopRequest) -> Session | OrphanStop | None:
    """What this stop, whose claimed id is not that of a session of its station, made when it was told before.

    With a usable id: the orphan stop of that id. With none: what has the same text of its time and the same register.
    """
    parameters: tuple[object, ...] = (request.station, str(request.claimed_id))
    where = "station = ?1 AND claimed_transaction_id = ?2"
    if is_usable_id(request.claimed_id):
        where += " AND start_at IS NULL"
    else:
        parameters = (*parameters, request.stop_text, request.meter_stop_wh)
        # the register of a session is filled in where the stop has none; a stop without both tells no session
        where += (
            " AND stop_text = ?3 AND (meter_stop_wh IS ?4 OR (?4 IS NULL AND start_at IS NOT NULL AND stop_text <> ''))"
        )
    row = db.execute(
        f"SELECT start_at IS NULL, stop_text, {_COLUMNS} FROM transactions WHERE {where} ORDER BY start_at DESC",
        parameters,
    ).fetchone()
    if row is None:
        return None
    is_orphan, stop_text, *columns = row
    session = _session(tuple(columns))
    return OrphanStop(session.transaction_id, stop_text, session.meter_stop_wh) if is_orphan else session


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
        "start_at DESC, start_repeat DESC LIMIT 1",
    )
    return [*reversed(found), *ended]


def open_of_tag(db: Writing, folded_tag: FoldedTag) -> list[OpenSession]:
    """Open sessions of a tag anywhere on the site, with what is stored of their stations (who is connected is not)."""
    rows = db.execute(_OPEN_OF_TAG, (folded_tag,))
    return [
        OpenSession(station, connector, start_at, max(charged), max(heard), free_at, booted_at, known=bool(known))
        for station, connector, start_at, free_at, booted_at, known, *heard in rows
        for charged in [heard[:3]]
    ]


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


def how_many_open(db: Writing) -> int:
    """Sessions that run."""
    return int(db.execute("SELECT count(*) FROM transactions WHERE stop_source IS NULL").fetchone()[0])


def issue_id(db: Writing) -> TransactionId:
    """The next transaction id: positive, rising, of no row here; beyond the greatest it begins again from 1."""
    following = last_issued(db) + 1
    while following > GREATEST_TRANSACTION_ID or _is_taken(db, following):
        following = following + 1 if following < GREATEST_TRANSACTION_ID else 1
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
    repeat: int = 0,
    authorized_by: DecidedBy | None = None,
) -> TransactionId:
    """Insert the session, the `repeat`th of its key; returns its new id."""
    transaction_id = issue_id(db)
    db.execute(
        "INSERT INTO transactions (transaction_id, station, connector, id_tag, folded_tag, parent_id_tag,"
        " authorization, reservation_id, remote_start_command, start_at, start_text, meter_start_wh, start_repeat,"
        " start_message_id, start_received_at, anomalies, authorized_by)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
            repeat,
            request.message_id,
            received_at,
            json.dumps(request.anomalies) if request.anomalies else _NONE,
            authorized_by,
        ),
    )
    return transaction_id


def record_stop(
    db: Writing, transaction_id: int, stop: Stop, *, received_at: Instant, measured_start_wh: int | None = None
) -> None:
    """Write the end of a session; a real stop may overwrite a reconstructed one, never another real one.

    `measured_start_wh`: the register to count from, only where the station did not tell it.
    """
    changed = db.execute(
        "UPDATE transactions SET stop_at = ?, stop_text = ?, meter_stop_wh = ?, reason = ?, stop_id_tag = ?,"
        " stop_received_at = ?, stop_source = ?, anomalies = ?, claimed_transaction_id = ?,"
        " measured_start_wh = coalesce(?, measured_start_wh)"
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
            None if stop.claimed_id is None else str(stop.claimed_id),
            measured_start_wh,
            transaction_id,
        ),
    ).rowcount
    if changed != 1:
        raise sqlite3.IntegrityError(f"transaction {transaction_id} has already been ended by its station")


def record_orphan(
    db: Writing, request: StopRequest, anomalies: tuple[str, ...], *, received_at: Instant
) -> TransactionId:
    """Keep a stop that belongs to no known session, under the id it claims if that is free; returns the row's id."""
    free = is_usable_id(request.claimed_id) and not _is_taken(db, request.claimed_id)
    transaction_id = TransactionId(request.claimed_id) if free else issue_id(db)
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


def _is_taken(db: Writing, transaction_id: int) -> bool:
    return db.execute("SELECT 1 FROM transactions WHERE transaction_id = ?", (transaction_id,)).fetchone() is not None


def _one(db: Writing, where: str, parameters: tuple[object, ...]) -> Session | None:
    row = db.execute(f"SELECT {_COLUMNS} FROM transactions WHERE {where}", parameters).fetchone()
    return None if row is None else _session(row)


def _many(db: Writing, where: str, parameters: tuple[object, ...], order: str = "transaction_id") -> list[Session]:
    rows = db.execute(f"SELECT {_COLUMNS} FROM transactions WHERE {where} ORDER BY {order}", parameters)
    return [_session(row) for row in rows]


def _session(row: tuple[object, ...]) -> Session:
    *values, received_at, start_text, start_repeat, reservation_id, authorized_by, anomalies = row
    told = () if anomalies == _NONE else tuple(json.loads(str(anomalies)))
    later = (received_at, start_text, start_repeat, reservation_id, authorized_by)
    return Session(*values, told, *later)  # type: ignore[call-arg, arg-type]


# the three times that say it charged: its start, a status, its newest frame; then what else came from its station
_OPEN_OF_TAG = """
    SELECT t.station, t.connector, min(t.start_at, coalesce(t.start_received_at, t.start_at)),
           CASE WHEN c.status = 'Available' THEN c.status_at END,
           s.booted_at,
           s.station IS NOT NULL,
           coalesce(t.start_received_at, t.start_at),
           CASE WHEN c.status IN ('Charging', 'SuspendedEV', 'SuspendedEVSE') THEN c.received_at ELSE 0 END,
           coalesce((SELECT recorded_at FROM meter_frames WHERE id =
                     (SELECT max(frame_id) FROM meter_index WHERE transaction_id = t.transaction_id)), 0),
           coalesce(s.connected_at, 0),
           coalesce(s.booted_at, 0),
           coalesce((SELECT max(received_at) FROM connectors WHERE station = t.station), 0)
    FROM transactions t
    LEFT JOIN connectors c ON c.station = t.station AND c.connector = t.connector
    LEFT JOIN stations s ON s.station = t.station
    WHERE t.stop_source IS NULL AND t.folded_tag = ?"""
