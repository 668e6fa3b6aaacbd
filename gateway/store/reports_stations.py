"""Stations for people: their rows, connectors, quirks, configuration keys and knocks, a page of stations at a time.

What is true only while running (who is connected) and what the file says is added by operations.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from sqlite3 import Row

from gateway.model.instants import text_of
from gateway.rules.secrecy import MASK, is_secret_name
from gateway.store.readers import Readers
from gateway.store.stations import COLUMNS, StationRow

Document = dict[str, object]


async def known(readers: Readers) -> list[tuple[str, str]]:
    """(station, origin) of every remembered station that is not removed, in order."""
    rows = await readers.rows("SELECT station, origin FROM stations WHERE admission <> 'removed' ORDER BY station")
    return [(row[0], row[1]) for row in rows]


async def rows_of(readers: Readers, stations: Sequence[str]) -> dict[str, StationRow]:
    """The rows of these stations, as far as there are any."""
    rows = await _of_stations(readers, f"SELECT {COLUMNS} FROM stations", stations, "station")
    return {row["station"]: StationRow(*row) for row in rows}


async def connectors(readers: Readers, stations: Sequence[str]) -> dict[str, list[Document]]:
    """Connector documents by station; connector 0 is the station as a whole."""
    found: dict[str, list[Document]] = {}
    for row in await _of_stations(readers, "SELECT * FROM connectors", stations, "station, connector"):
        found.setdefault(row["station"], []).append(
            {
                "connector": row["connector"],
                "status": row["status"],
                "error_code": row["error_code"],
                "info": row["info"],
                "vendor_id": row["vendor_id"],
                "vendor_error_code": row["vendor_error_code"],
                "status_time": text_of(row["status_at"]),
                "received_time": text_of(row["received_at"]),
            }
        )
    return found


async def quirks(readers: Readers, stations: Sequence[str]) -> dict[str, list[Document]]:
    """Quirks seen by station: name, how often, when last."""
    found: dict[str, list[Document]] = {}
    for row in await _of_stations(readers, "SELECT * FROM quirks", stations, "station, quirk"):
        quirk = {"quirk": row["quirk"], "times": row["times"], "last_seen": text_of(row["last_seen"])}
        found.setdefault(row["station"], []).append(quirk)
    return found


async def configuration_keys(readers: Readers, station: str) -> list[Document]:
    """The station's configuration as last reported, secrets masked."""
    rows = await readers.rows("SELECT * FROM configuration_keys WHERE station = ? ORDER BY folded_key", (station,))
    return [
        {
            "key": row["key"],
            "value": _masked(row["folded_key"], row["value"]),
            "readonly": None if row["readonly"] is None else bool(row["readonly"]),
            "reboot_required": bool(row["reboot_required"]),
            "updated_time": text_of(row["updated_at"]),
        }
        for row in rows
    ]


async def expected_remote_starts(readers: Readers, station: str) -> list[Document]:
    """Remote starts that may still come about, oldest first."""
    rows = await readers.rows("SELECT * FROM remote_starts WHERE station = ? ORDER BY asked_at", (station,))
    return [
        {
            "command_id": row["command_id"],
            "connector": row["connector"],
            "id_tag": row["folded_tag"],
            "asked_time": text_of(row["asked_at"]),
        }
        for row in rows
    ]


async def knocks(readers: Readers, *, after: str = "", limit: int) -> list[Document]:
    """Identities that connected without being known, in order."""
    rows = await readers.rows("SELECT * FROM knocks WHERE station > ? ORDER BY station LIMIT ?", (after, limit))
    return [
        {
            "station": row["station"],
            "address": row["address"],
            "times": row["times"],
            "first_seen": text_of(row["first_seen"]),
            "last_seen": text_of(row["last_seen"]),
        }
        for row in rows
    ]


def _masked(folded_key: str, value: str | None) -> str | None:
    return MASK if value and is_secret_name(folded_key) else value


async def _of_stations(readers: Readers, select: str, stations: Sequence[str], order: str) -> list[Row]:
    return await readers.rows(
        f"{select} WHERE station IN (SELECT value FROM json_each(?)) ORDER BY {order}", (json.dumps(list(stations)),)
    )
