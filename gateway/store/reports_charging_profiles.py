"""Charging profiles for people: the rows of one station or of all, and the facts that a composite schedule needs."""

from __future__ import annotations

import json
from dataclasses import dataclass

from gateway.model.instants import Instant, text_of
from gateway.store.charging_profiles import COLUMNS, Kept, kept
from gateway.store.readers import Readers

Document = dict[str, object]


@dataclass(frozen=True, slots=True)
class Facts:
    """What is told of a station: its connectors, open sessions as (connector, start, receipt), a setting's value."""

    connectors: tuple[int, ...]
    sessions: tuple[tuple[int, Instant, Instant], ...]
    number_of_connectors: str | None


async def rows(readers: Readers, station: str | None) -> list[Kept]:
    """Everything that this station, or any, holds or may hold, oldest first."""
    found = await readers.rows(
        f"SELECT {COLUMNS} FROM charging_profiles WHERE ?1 IS NULL OR station = ?1 ORDER BY row_id", (station,)
    )
    return [kept(row) for row in found]


async def never_cleared(readers: Readers) -> list[str]:
    """Stations that have not said since they came here that they hold no profile, in order."""
    found = await readers.rows(
        "SELECT station FROM stations s WHERE admission <> 'removed' AND NOT EXISTS (SELECT 1"
        " FROM charging_profile_clearings c WHERE c.station = s.station AND cleared_at IS NOT NULL) ORDER BY station"
    )
    return [row["station"] for row in found]


async def facts(readers: Readers, station: str) -> Facts:
    """What a composite schedule needs to know beside the profiles."""
    connectors = await readers.rows(
        "SELECT connector FROM connectors WHERE station = ? AND connector > 0 ORDER BY connector", (station,)
    )
    sessions = await readers.rows(
        "SELECT connector, start_at, coalesce(start_received_at, start_at) FROM transactions"
        " WHERE station = ? AND stop_source IS NULL ORDER BY transaction_id",
        (station,),
    )
    told = await readers.row(
        "SELECT value FROM configuration_keys WHERE station = ? AND folded_key = 'numberofconnectors'", (station,)
    )
    return Facts(
        tuple(row["connector"] for row in connectors),
        tuple((row[0], row[1], row[2]) for row in sessions),
        None if told is None else told["value"],
    )


async def newest_composite(readers: Readers, station: str, connector: int) -> Document | None:
    """The station's newest answer to GetCompositeSchedule for a connector, or None."""
    row = await readers.row(
        "SELECT * FROM composite_schedules WHERE station = ? AND connector = ?", (station, connector)
    )
    if row is None:
        return None
    return {
        "time": text_of(row["asked_at"]),
        "request": json.loads(row["request"]),
        "response": json.loads(row["response"]),
    }
