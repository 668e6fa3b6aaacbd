"""What an overview needs of all stations at once: names, statuses and running sessions, nothing else of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from gateway.model.instants import Instant
from gateway.store.readers import Readers

_Key = tuple[str, int]


class StationName(NamedTuple):
    """Where a station comes from, what it says it is, and its run-time settings as JSON text."""

    origin: str
    vendor: str | None
    model: str | None
    settings: str


class ConnectorRow(NamedTuple):
    """What a connector told last."""

    status: str
    error_code: str
    status_at: Instant


class RunningRow(NamedTuple):
    """The session that runs on a connector; of several the newest."""

    transaction_id: int
    id_tag: str | None
    meter_start_wh: int | None


class Overview(NamedTuple):
    """All stations that are not removed, and all connectors; connector 0 is a station as a whole."""

    stations: Mapping[str, StationName]
    connectors: Mapping[_Key, ConnectorRow]
    running: Mapping[_Key, RunningRow]


async def read(readers: Readers) -> Overview:
    """Three statements, on one connection."""
    async with readers.reading() as connection:
        stations = await connection.execute_fetchall(
            "SELECT station, origin, vendor, model, settings FROM stations WHERE admission <> 'removed'"
        )
        connectors = await connection.execute_fetchall(
            "SELECT station, connector, status, error_code, status_at FROM connectors"
        )
        running = await connection.execute_fetchall(
            # in the order of the index of open ones: with any other all sessions would be looked through
            "SELECT station, connector, transaction_id, id_tag, meter_start_wh FROM transactions"
            " WHERE stop_source IS NULL"
        )
    return Overview(
        {row[0]: StationName(row[1], row[2], row[3], row[4]) for row in stations},
        {(row[0], row[1]): ConnectorRow(row[2], row[3], row[4]) for row in connectors},
        {(row[0], row[1]): RunningRow(row[2], row[3], row[4]) for row in sorted(running, key=lambda row: row[2])},
    )
