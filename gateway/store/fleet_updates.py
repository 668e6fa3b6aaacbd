"""How often a station was asked for the firmware that a fleet manager wants there (document `firmware`)."""

from __future__ import annotations

from gateway.model.instants import Instant
from gateway.rules.fleet_firmware import Tried
from gateway.store.writing import Writing


def find(db: Writing, station: str) -> Tried | None:
    """The newest tries, None when there was none."""
    row = db.execute("SELECT version, tries, tried_at FROM fleet_updates WHERE station = ?", (station,)).fetchone()
    return None if row is None else Tried(*row)


def note(db: Writing, station: str, version: str, *, now: Instant) -> None:
    """The station is asked for this version, once more or for the first time."""
    db.execute(
        """INSERT INTO fleet_updates VALUES (?1, ?2, 1, ?3)
           ON CONFLICT (station) DO UPDATE SET tries = iif(version = excluded.version, tries + 1, 1),
               version = excluded.version, tried_at = excluded.tried_at""",
        (station, version, now),
    )


def forget(db: Writing) -> None:
    """Another document counts: tries of versions before say nothing of it."""
    db.execute("DELETE FROM fleet_updates")
