"""The fallback profile of each connector, as its station last accepted it. No row: nothing is known to hold."""

from __future__ import annotations

from typing import NamedTuple

from gateway.model.identities import StationId
from gateway.model.instants import Instant
from gateway.store.writing import Writing


class Fallback(NamedTuple):
    """What a connector may draw without the gateway; for `hold_seconds` a new session waits at 0 A."""

    amps: float
    hold_seconds: float


def every(db: Writing) -> dict[tuple[StationId, int], Fallback]:
    """All that were accepted, by station and connector."""
    rows = db.execute("SELECT station, connector, fallback_amps, hold_seconds FROM fallback_profiles")
    return {(station, connector): Fallback(amps, hold) for station, connector, amps, hold in rows}


def keep(db: Writing, station: StationId, connector: int, held: Fallback, *, now: Instant) -> None:
    """The station holds this one."""
    db.execute(
        "INSERT OR REPLACE INTO fallback_profiles VALUES (?, ?, ?, ?, ?)",
        (station, connector, held.amps, round(held.hold_seconds), now),
    )


def forget(db: Writing, station: StationId, connector: int | None = None) -> None:
    """Nobody knows any more what it holds, on this connector or on all."""
    db.execute(
        "DELETE FROM fallback_profiles WHERE station = ?1 AND (?2 IS NULL OR connector = ?2)", (station, connector)
    )


def doubt_everything(db: Writing, now: Instant) -> None:
    """This is an older state of the database: stations were told other fallbacks since."""
    db.execute("DELETE FROM fallback_profiles")
