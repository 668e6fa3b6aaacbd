"""What charging profiles each station is believed to hold, and whether it may hold some that nobody here knows of.

A certain row is in the station. An uncertain one may be: an answer is missing. `wanted` says what should become of an
uncertain one: sent again, or cleared. What replaces and clears what is asked of `rules.charging_profiles`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from gateway.model.identities import CommandId, StationId
from gateway.model.instants import Instant
from gateway.store.writing import Writing

# per station
_MOST_UNCERTAIN = 100

COLUMNS = "row_id, station, connector, profile_id, transaction_id, profile, certain, wanted, command_id, noted_at"


class Kept(NamedTuple):
    """One row; `profile` is the OCPP object as JSON text, `transaction_id` that of a TxProfile."""

    row_id: int
    station: StationId
    connector: int
    profile_id: int
    transaction_id: int | None
    profile: str
    certain: bool
    wanted: bool
    command_id: CommandId
    noted_at: Instant

    def document(self) -> dict[str, object]:
        """The OCPP object."""
        found: dict[str, object] = json.loads(self.profile)
        return found


class Trust(NamedTuple):
    """When the station last said that it holds none; since when it may hold others than those kept here."""

    cleared_at: Instant | None
    doubted_at: Instant | None


def of_station(db: Writing, station: StationId) -> list[Kept]:
    """Everything that the station holds or may hold, oldest first."""
    rows = db.execute(f"SELECT {COLUMNS} FROM charging_profiles WHERE station = ? ORDER BY row_id", (station,))
    return [kept(row) for row in rows]


def kept(row: Sequence[object]) -> Kept:
    """A row of COLUMNS."""
    *place, certain, wanted, command_id, noted_at = row
    return Kept(*place, bool(certain), bool(wanted), command_id, noted_at)  # type: ignore[call-arg, arg-type]


def has_id(db: Writing, station: StationId, profile_id: int) -> bool:
    """Does or may a profile with this id exist in the station?"""
    found = db.execute("SELECT 1 FROM charging_profiles WHERE station = ? AND profile_id = ?", (station, profile_id))
    return found.fetchone() is not None


def keep(
    db: Writing,
    station: StationId,
    connector: int,
    *,
    profile_id: int,
    transaction_id: int | None,
    profile: Mapping[str, object],
    certain: bool,
    command_id: CommandId,
    now: Instant,
    wanted: bool = True,
) -> None:
    """The station holds this profile, or may."""
    db.execute(
        "INSERT INTO charging_profiles (station, connector, profile_id, transaction_id, profile, certain, wanted,"
        " command_id, noted_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (station, connector, profile_id, transaction_id, json.dumps(profile), certain, wanted, command_id, now),
    )
    if not certain:
        _keep_newest(db, station, now=now)


def forget(db: Writing, rows: Sequence[Kept]) -> None:
    """These are not in the station any more."""
    db.connection.executemany("DELETE FROM charging_profiles WHERE row_id = ?", [(row.row_id,) for row in rows])


def doubt(db: Writing, rows: Sequence[Kept], *, wanted: bool | None = None) -> None:
    """Nobody knows whether these are in the station; `wanted`: whether they should be (None: as before)."""
    db.connection.executemany(
        "UPDATE charging_profiles SET certain = 0, wanted = coalesce(?, wanted) WHERE row_id = ?",
        [(wanted, row.row_id) for row in rows],
    )


def confirm(db: Writing, row: Kept) -> None:
    """It is in the station after all."""
    db.execute("UPDATE charging_profiles SET certain = 1, wanted = 1 WHERE row_id = ?", (row.row_id,))


def trust(db: Writing, station: StationId) -> Trust:
    """What is known of profiles that somebody else may have left in the station."""
    row = db.execute(
        "SELECT cleared_at, doubted_at FROM charging_profile_clearings WHERE station = ?", (station,)
    ).fetchone()
    return Trust(None, None) if row is None else Trust(*row)


def note_cleared(db: Writing, station: StationId, *, now: Instant) -> None:
    """The station has said that it holds no profile: from here on the rows are all there is."""
    db.execute("INSERT OR REPLACE INTO charging_profile_clearings VALUES (?, ?, NULL)", (station, now))


def doubt_everything(db: Writing, now: Instant) -> None:
    """This is an older state of the database: stations were told other things since."""
    db.execute("UPDATE charging_profiles SET certain = 0")
    db.execute("INSERT OR REPLACE INTO charging_profile_clearings SELECT station, NULL, ? FROM stations", (now,))


def note_doubt(db: Writing, station: StationId, *, now: Instant) -> None:
    """The station may hold others than those kept here."""
    db.execute("INSERT OR REPLACE INTO charging_profile_clearings VALUES (?, NULL, ?)", (station, now))


def _keep_newest(db: Writing, station: StationId, *, now: Instant) -> None:
    """A station that never answers may be sent many: the oldest are forgotten, and it may hold others than these."""
    gone = db.execute(
        "DELETE FROM charging_profiles WHERE station = ?1 AND row_id IN (SELECT row_id FROM charging_profiles"
        " WHERE station = ?1 AND NOT certain ORDER BY row_id DESC LIMIT -1 OFFSET ?2)",
        (station, _MOST_UNCERTAIN),
    ).rowcount
    if gone:
        note_doubt(db, station, now=now)
