"""Rows of reservations: one per ReserveNow that a station may have carried out, also those that are over.

Every function runs inside a unit of work; what a row should become is decided in `rules/reservations`.
"""

from __future__ import annotations

from typing import NamedTuple

from gateway.model.identities import CommandId, ConnectorId, FoldedTag, StationId
from gateway.model.instants import Instant, seconds_later
from gateway.model.reservations import End, Reservation
from gateway.store.writing import Writing

_COLUMNS = (
    "number, station, reservation_id, connector, id_tag, folded_tag, parent_id_tag, expiry_at, asked_at, standing,"
    " shown_on, ended_why, ended_at, clock_lag"
)
_LONGEST_WAIT_SECONDS = 3600.0  # no station is waited for as long
_IS_ACTIVE = "standing IN ('asked', 'uncertain', 'in_force')"
_BY_ACTIVE = "INDEXED BY active_reservations"  # few are active, of many


class Request(NamedTuple):
    """What a ReserveNow asks for, as far as it can be kept."""

    reservation_id: int
    connector: ConnectorId
    id_tag: str
    folded_tag: FoldedTag
    parent_id_tag: str | None
    expiry_at: Instant
    clock_lag: int | None


def ask(db: Writing, command_id: CommandId, station: StationId, request: Request, *, now: Instant) -> None:
    """A station is about to be asked."""
    db.execute(
        "INSERT INTO reservations (command_id, station, reservation_id, connector, id_tag, folded_tag, parent_id_tag,"
        " expiry_at, clock_lag, asked_at, standing) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'asked')",
        (command_id, station, *request, now),
    )


def find_asked(db: Writing, command_id: CommandId) -> Reservation | None:
    """The reservation of this command while its station's answer is waited for."""
    return _one(db, "command_id = ? AND standing = 'asked'", command_id)


def active(db: Writing, station: StationId) -> list[Reservation]:
    """Those of a station that stand or may stand, in the order of asking."""
    return _many(db, f"station = ? AND {_IS_ACTIVE}", station)


def with_id(db: Writing, station: StationId, reservation_id: int) -> list[Reservation]:
    """All of this id, also those that are over, in the order of asking."""
    return _many(db, "station = ? AND reservation_id = ?", station, reservation_id)


def ended_by_status(db: Writing, station: StationId, *, since: Instant, now: Instant) -> list[Reservation]:
    """Those that a status ended lately though their time was not over."""
    return _many(
        db,
        "station = ? AND standing = 'ended' AND ended_why IN ('freed', 'out_of_service') AND ended_at >= ?"
        " AND expiry_at > ?",
        station,
        since,
        now,
    )


def expired_after(db: Writing, station: StationId, moment: Instant) -> list[Reservation]:
    """Those that ended by their time, after `moment`."""
    where = "station = ? AND standing = 'ended' AND ended_why = 'expired' AND expiry_at > ? AND ended_at > ?"
    return _many(db, where, station, moment, moment)  # by the index: none ends before its time is over


def due(db: Writing, now: Instant) -> list[Reservation]:
    """Those of all stations whose time is over and that were not ended.

    Also those whose answer should have come long ago: its outcome could not be stored.
    """
    given_up = seconds_later(now, -_LONGEST_WAIT_SECONDS)
    return _many(
        db,
        f"{_IS_ACTIVE} AND iif(standing = 'asked', max(expiry_at, asked_at) <= ?2, expiry_at <= ?1)",
        now,
        given_up,
        index=_BY_ACTIVE,
    )


def next_expiry(db: Writing) -> Instant | None:
    """When the next one of all stations is due; None: there is none."""
    sql = f"SELECT min(expiry_at) FROM reservations {_BY_ACTIVE} WHERE {_IS_ACTIVE} AND standing <> 'asked'"
    row = db.execute(sql).fetchone()
    return None if row[0] is None else Instant(row[0])


def set_in_force(db: Writing, number: int) -> None:
    """It stands, also when it was over."""
    db.execute(
        "UPDATE reservations SET standing = 'in_force', ended_why = NULL, ended_at = NULL WHERE number = ?", (number,)
    )


def set_uncertain(db: Writing, number: int) -> None:
    """Nobody knows whether it stands."""
    db.execute("UPDATE reservations SET standing = 'uncertain' WHERE number = ?", (number,))


def set_shown(db: Writing, number: int, connector: int | None) -> None:
    """This connector's becoming Available ends it from now on."""
    db.execute("UPDATE reservations SET shown_on = ? WHERE number = ?", (connector, number))


def end(db: Writing, number: int, why: End, *, now: Instant) -> None:
    """It is over and nobody used it."""
    db.execute(
        "UPDATE reservations SET standing = 'ended', ended_why = ?, ended_at = ? WHERE number = ?", (why, now, number)
    )


def use(db: Writing, number: int, transaction_id: int, *, now: Instant) -> None:
    """A session used it up."""
    db.execute(
        "UPDATE reservations SET standing = 'used', ended_why = NULL, ended_at = ?, transaction_id = ?"
        " WHERE number = ?",
        (now, transaction_id, number),
    )


def forget(db: Writing, number: int) -> None:
    """It never stood."""
    db.execute("DELETE FROM reservations WHERE number = ?", (number,))


def doubt_everything(db: Writing, now: Instant) -> None:
    """A backup was restored: nobody knows what became of those that stood when it was made."""
    db.execute("UPDATE reservations SET standing = 'uncertain' WHERE standing IN ('asked', 'in_force')")


def _one(db: Writing, where: str, *parameters: object) -> Reservation | None:
    return next(iter(_many(db, where, *parameters)), None)


def _many(db: Writing, where: str, *parameters: object, index: str = "") -> list[Reservation]:
    rows = db.execute(f"SELECT {_COLUMNS} FROM reservations {index} WHERE {where} ORDER BY number", parameters)
    return [Reservation(*row) for row in rows]
