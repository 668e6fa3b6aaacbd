"""Requests that stations answered as not known or not supported, so that the gateway does not ask by itself again."""

from __future__ import annotations

from gateway.model.identities import StationId
from gateway.model.instants import Instant
from gateway.store.writing import Writing


def record(db: Writing, station: StationId, request: str, *, now: Instant) -> None:
    """The station does not do this; `request` is an action, for triggers with the message after a blank."""
    db.execute("INSERT OR REPLACE INTO unsupported_requests VALUES (?, ?, ?)", (station, request, now))


def withdraw(db: Writing, station: StationId, request: str) -> None:
    """The station does it after all."""
    db.execute("DELETE FROM unsupported_requests WHERE station = ? AND request = ?", (station, request))


def of_station(db: Writing, station: str) -> frozenset[str]:
    """What the station does not do."""
    rows = db.execute("SELECT request FROM unsupported_requests WHERE station = ?", (station,))
    return frozenset(request for (request,) in rows)


def forget(db: Writing, station: StationId) -> None:
    """It has other firmware, or is another station by that name."""
    db.execute("DELETE FROM unsupported_requests WHERE station = ?", (station,))
