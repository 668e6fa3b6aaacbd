"""What stations were sent and have not used yet: higher security profiles and new passwords, the latter as hashes."""

from __future__ import annotations

from typing import Literal, NamedTuple

from gateway.model.identities import CommandId, StationId
from gateway.model.instants import Instant
from gateway.store.readers import Readers
from gateway.store.writing import Writing

Answer = Literal["none", "Accepted", "RebootRequired", "lost"]

# Each is one more slow hash for whoever tries passwords.
_MOST_OF_A_KIND = 3
_COLUMNS = "command_id, profile, password_hash, answer, asked_at"


class Change(NamedTuple):
    """One of `profile` and `password_hash` is there; `answer`: what the station said, `none` while it may still."""

    command_id: CommandId
    profile: int | None
    password_hash: str | None
    answer: Answer
    asked_at: Instant


def expect_profile(db: Writing, station: StationId, command_id: CommandId, profile: int, *, now: Instant) -> None:
    """The station is told to use a higher profile; of many that were never used the newest are kept."""
    db.execute(
        "INSERT INTO security_changes (station, command_id, profile, asked_at) VALUES (?, ?, ?, ?)",
        (station, command_id, profile, now),
    )
    _keep_newest(db, station, command_id, "profile")


def expect_password(
    db: Writing, station: StationId, command_id: CommandId, password_hash: str, *, now: Instant
) -> None:
    """The station is sent a new password; of many that were never used the newest are kept."""
    db.execute(
        "INSERT INTO security_changes (station, command_id, password_hash, asked_at) VALUES (?, ?, ?, ?)",
        (station, command_id, password_hash, now),
    )
    _keep_newest(db, station, command_id, "password_hash")


def answered(db: Writing, station: StationId, command_id: CommandId, answer: Answer) -> None:
    """What became of the request; what was sent counts beside the old one until it is used."""
    db.execute(
        "UPDATE security_changes SET answer = ? WHERE station = ? AND command_id = ?", (answer, station, command_id)
    )


def drop(db: Writing, station: StationId, command_id: CommandId) -> None:
    """Nothing has come of this request."""
    db.execute("DELETE FROM security_changes WHERE station = ? AND command_id = ?", (station, command_id))


def drop_profiles(db: Writing, station: str, *, up_to: int) -> None:
    """These profiles are not waited for any more."""
    db.execute("DELETE FROM security_changes WHERE station = ? AND profile <= ?", (station, up_to))


def drop_passwords(db: Writing, station: str, *, only_lost: bool = False) -> None:
    """New passwords are not waited for any more; `only_lost`: those that the station may never have got."""
    lost = " AND answer = 'lost'" if only_lost else ""
    db.execute(f"DELETE FROM security_changes WHERE station = ? AND password_hash IS NOT NULL{lost}", (station,))


def of_station(db: Writing, station: str) -> list[Change]:
    """What the station was sent and has not used, the newest first."""
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM security_changes WHERE station = ? ORDER BY asked_at DESC, command_id", (station,)
    )
    return [Change(*row) for row in rows]


async def read_of_station(readers: Readers, station: str) -> list[Change]:
    """The same, for people."""
    rows = await readers.rows(
        f"SELECT {_COLUMNS} FROM security_changes WHERE station = ? ORDER BY asked_at DESC, command_id", (station,)
    )
    return [Change(*row) for row in rows]


def _keep_newest(db: Writing, station: StationId, command_id: CommandId, column: str) -> None:
    """Of those never used, few are kept; the one of `command_id` is the newest of its moment."""
    db.execute(
        "DELETE FROM security_changes WHERE station = ?1 AND command_id IN (SELECT command_id FROM security_changes"
        f" WHERE station = ?1 AND {column} IS NOT NULL ORDER BY asked_at DESC, command_id = ?2 DESC"
        " LIMIT -1 OFFSET ?3)",
        (station, command_id, _MOST_OF_A_KIND),
    )
