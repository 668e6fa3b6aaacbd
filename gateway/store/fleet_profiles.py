"""Charging profiles that a fleet manager wants in stations, and what came of sending them (document `profiles`)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from gateway.model.identities import StationId
from gateway.model.instants import Instant
from gateway.store.writing import Writing

_COLUMNS = "station, profile_id, connector, profile, wanted, outcome, tried_at"


class FleetProfile(NamedTuple):
    """One profile of one station; `outcome` is what the station answered, None before it was asked."""

    station: StationId
    profile_id: int
    connector: int
    profile: dict[str, object]
    wanted: bool = True
    outcome: str | None = None
    tried_at: Instant | None = None


def every(db: Writing) -> list[FleetProfile]:
    """All of them, by station."""
    return _rows(db.execute(f"SELECT {_COLUMNS} FROM fleet_profiles ORDER BY station, profile_id"))


def of_station(db: Writing, station: str) -> list[FleetProfile]:
    """Those of one station."""
    return _rows(db.execute(f"SELECT {_COLUMNS} FROM fleet_profiles WHERE station = ? ORDER BY profile_id", (station,)))


def save(db: Writing, profiles: Iterable[FleetProfile]) -> None:
    """Keep them as they are now."""
    db.connection.executemany(
        f"INSERT OR REPLACE INTO fleet_profiles ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(*one[:3], json.dumps(one.profile), *one[4:]) for one in profiles],
    )


def remove(db: Writing, profile: FleetProfile) -> None:
    """It is in no station, nor wanted there."""
    db.execute("DELETE FROM fleet_profiles WHERE station = ? AND profile_id = ?", (profile.station, profile.profile_id))


def note_outcome(db: Writing, station: str, profile_id: int, outcome: str | None, *, now: Instant) -> None:
    """The station was asked, and answered this."""
    db.execute(
        "UPDATE fleet_profiles SET outcome = ?, tried_at = ? WHERE station = ? AND profile_id = ?",
        (outcome, now, station, profile_id),
    )


def _rows(rows: Iterable[Sequence[Any]]) -> list[FleetProfile]:
    return [
        FleetProfile(StationId(station), number, connector, json.loads(profile), bool(wanted), outcome, tried_at)
        for station, number, connector, profile, wanted, outcome, tried_at in rows
    ]
