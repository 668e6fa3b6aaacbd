"""The ledger of limits: every one that may be in force on a connector, written before it is sent."""

from __future__ import annotations

from typing import NamedTuple

from gateway.model.identities import StationId
from gateway.model.instants import Instant
from gateway.store.writing import Writing


class SentLimit(NamedTuple):
    """One row; `transaction_id`: of the session that it was for (mode A)."""

    number: int
    station: StationId
    connector: int
    transaction_id: int | None
    amps: float
    lease_seconds: float


def every(db: Writing) -> list[SentLimit]:
    """All of them, oldest first."""
    rows = db.execute(
        "SELECT number, station, connector, transaction_id, amps, lease_seconds FROM limits_sent ORDER BY number"
    )
    return [SentLimit(*row) for row in rows]


def note_sending(
    db: Writing,
    station: StationId,
    connector: int,
    *,
    transaction_id: int | None,
    amps: float,
    lease_seconds: float,
    now: Instant,
) -> int:
    """This limit is about to be sent; the number of its row."""
    made = db.execute(
        "INSERT INTO limits_sent (station, connector, transaction_id, amps, lease_seconds, sent_at)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (station, connector, transaction_id, amps, round(lease_seconds), now),
    )
    assert made.lastrowid is not None
    return made.lastrowid


def note_accepted(db: Writing, station: StationId, connector: int, number: int, *, now: Instant) -> None:
    """The station has accepted this one: those before it on the connector are gone."""
    db.execute(
        "DELETE FROM limits_sent WHERE station = ? AND connector = ? AND number < ?", (station, connector, number)
    )
    db.execute("UPDATE limits_sent SET accepted_at = ? WHERE number = ?", (now, number))


def note_silence(db: Writing, number: int) -> None:
    """No answer came: earlier rows that say the same say no more than this one."""
    db.execute(
        "DELETE FROM limits_sent WHERE accepted_at IS NULL AND number < ?1 AND"
        " (station, connector, coalesce(transaction_id, -1), amps, lease_seconds) = (SELECT station, connector,"
        " coalesce(transaction_id, -1), amps, lease_seconds FROM limits_sent WHERE number = ?1)",
        (number,),
    )


def forget(db: Writing, number: int) -> None:
    """The station has refused this one, or it never left."""
    db.execute("DELETE FROM limits_sent WHERE number = ?", (number,))


def forget_connector(db: Writing, station: StationId, connector: int) -> None:
    """Nothing of ours is in force there any more."""
    db.execute("DELETE FROM limits_sent WHERE station = ? AND connector = ?", (station, connector))


def forget_session(db: Writing, station: StationId, transaction_id: int) -> None:
    """The station has ended this session, and with it its limits."""
    db.execute("DELETE FROM limits_sent WHERE station = ? AND transaction_id = ?", (station, transaction_id))


def doubt_everything(db: Writing, now: Instant) -> None:
    """This is an older state of the database: stations were told other limits since."""
    db.execute("UPDATE limits_sent SET accepted_at = NULL")
