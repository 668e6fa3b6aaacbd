"""Ids that the gateway chooses for a station: of reservations, charging profiles and requests. They never go back.

A station that is removed keeps its numbers: the device may come back, and still hold what they named.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Literal

from gateway.model.identities import StationId
from gateway.store.writing import Writing

Name = Literal["reservation", "charging_profile", "request"]

# ids of charging profiles that load limits give (`rules/limit_profiles`)
_OF_LOAD_LIMITS = range(100, 400)
# stations were seen that keep ids in 32 bits
_GREATEST = 2**31 - 2


def next_number(db: Writing, station: StationId, name: Name) -> int:
    """The next id of this kind for this station, 1 or more."""
    row = db.execute("SELECT value FROM numbers_given WHERE station = ? AND name = ?", (station, name)).fetchone()
    number = 1 if row is None or row[0] >= _GREATEST else row[0] + 1
    if name == "charging_profile" and number in _OF_LOAD_LIMITS:
        number = _OF_LOAD_LIMITS.stop
    db.execute("INSERT OR REPLACE INTO numbers_given VALUES (?, ?, ?)", (station, name, number))
    return number


def note_used(db: Writing, station: StationId, name: Name, number: int) -> None:
    """Somebody chose this id himself: ours go on above it."""
    of_load_limits = name == "charging_profile" and number in _OF_LOAD_LIMITS
    if 0 < number < _GREATEST and not of_load_limits:
        db.execute(
            "INSERT INTO numbers_given VALUES (?, ?, ?)"
            " ON CONFLICT (station, name) DO UPDATE SET value = max(value, excluded.value)",
            (station, name, number),
        )


def all_given(connection: sqlite3.Connection) -> list[tuple[str, str, int]]:
    """(station, kind, newest id) of every count."""
    return connection.execute("SELECT station, name, value FROM numbers_given").fetchall()


def raise_to(connection: sqlite3.Connection, given: Iterable[tuple[str, str, int]]) -> None:
    """Go on above these, too: a backup knows fewer ids than its life has given out since."""
    connection.executemany(
        "INSERT INTO numbers_given VALUES (?, ?, ?)"
        " ON CONFLICT (station, name) DO UPDATE SET value = max(value, excluded.value)",
        given,
    )
