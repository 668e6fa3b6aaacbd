"""A database in a directory of the test, and plain looks into its file from outside."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path

from gateway.model.identities import ConnectorId, FoldedTag, StationId
from gateway.model.instants import SECOND, Instant
from gateway.model.sessions import StartRequest, Stop, StopRequest
from gateway.store import events
from gateway.store.database import Database, open_database
from gateway.store.writing import Writing

NOW = Instant(1_800_000_000 * SECOND)
CP = StationId("CP1")
START = StartRequest(CP, ConnectorId(1), "Tag", FoldedTag("tag"), 1000, NOW, "2027-01-15T08:00:00Z", "m1")
STOP = StopRequest(CP, 1, 1500, Instant(NOW + 60), "2027-01-15T08:01:00Z", "Local")
END = Stop(Instant(NOW + 60), "2027-01-15T08:01:00Z", 1500, "Local", None, "station")


@asynccontextmanager
async def opened_database(directory: Path) -> AsyncIterator[Database]:
    """Open, or make, the database of this directory; closed with the block."""
    database = await open_database(directory / "gateway.db")
    try:
        yield database
    finally:
        await database.close()


def look(path: Path, sql: str, *parameters: object) -> list[tuple[object, ...]]:
    """Rows as another process sees them."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        return connection.execute(sql, parameters).fetchall()


def tells(number: int) -> Callable[[Writing], int]:
    """A unit that appends one event with this number; returns its id."""

    def unit(db: Writing) -> int:
        return events.append(db, "station.booted", happened_at=NOW, recorded_at=NOW, data={"number": number})

    return unit
