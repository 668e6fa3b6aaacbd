"""How each station can be held to a limit, as far as that was found out."""

from __future__ import annotations

from gateway.model.identities import StationId
from gateway.model.instants import Instant
from gateway.model.limiting import Limiting
from gateway.store.writing import Writing


def every(db: Writing) -> dict[StationId, Limiting]:
    """What is known of all stations."""
    rows = db.execute(
        "SELECT station, mode, proven, starts_at_zero, unit, step_amps, stack_level, reason FROM limiting"
    )
    return {
        station: Limiting(mode, bool(proven), bool(zero), unit, step, level, reason)
        for station, mode, proven, zero, unit, step, level, reason in rows
    }


def keep(db: Writing, station: StationId, known: Limiting, *, now: Instant) -> None:
    """This was found out."""
    db.execute(
        "INSERT OR REPLACE INTO limiting VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            station,
            known.mode,
            known.proven,
            known.starts_at_zero,
            known.unit,
            known.step_amps,
            known.stack_level,
            known.reason,
            now,
        ),
    )


def forget(db: Writing, station: StationId) -> None:
    """It is another device, or has other firmware: all is to be found out anew."""
    db.execute("DELETE FROM limiting WHERE station = ?", (station,))
