"""Baseline: the central system that a user of the plain `ocpp` package writes first.

One class with a handler per action, as that package documents it. With `--database FILE` every message is stored row by
row through aiosqlite and committed before it is answered; without it nothing is stored. No rules, repair or journal.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
from datetime import UTC, datetime
from typing import Any

import aiosqlite
import websockets
from ocpp.routing import on
from ocpp.v16 import ChargePoint, call_result
from ocpp.v16.datatypes import IdTagInfo
from ocpp.v16.enums import Action, AuthorizationStatus, RegistrationStatus
from websockets.asyncio.server import ServerConnection

SCHEMA = """
CREATE TABLE IF NOT EXISTS stations (station TEXT PRIMARY KEY, vendor TEXT, model TEXT, booted_at TEXT);
CREATE TABLE IF NOT EXISTS statuses (station TEXT, connector INTEGER, status TEXT, at TEXT,
    PRIMARY KEY (station, connector));
CREATE TABLE IF NOT EXISTS authorizations (id INTEGER PRIMARY KEY, station TEXT, id_tag TEXT, at TEXT);
CREATE TABLE IF NOT EXISTS transactions (id INTEGER PRIMARY KEY, station TEXT, connector INTEGER, id_tag TEXT,
    meter_start INTEGER, started_at TEXT, meter_stop INTEGER, stopped_at TEXT, reason TEXT);
CREATE TABLE IF NOT EXISTS meter_values (id INTEGER PRIMARY KEY, station TEXT, connector INTEGER,
    transaction_id INTEGER, at TEXT, measurand TEXT, phase TEXT, unit TEXT, value TEXT);
"""

numbers = itertools.count(1)
database: aiosqlite.Connection | None = None


def now_text() -> str:
    """The time now as RFC 3339 text."""
    return datetime.now(UTC).isoformat()


async def store(statement: str, *rows: tuple[object, ...]) -> int:
    """Run the statement for each row and commit; the id of the last row, or a running number without a database."""
    if database is None:
        return next(numbers)
    row_id = 0
    for row in rows:
        cursor = await database.execute(statement, row)
        row_id = cursor.lastrowid or 0
    await database.commit()
    return row_id


class NaiveStation(ChargePoint):
    """One connected station: a handler per action, as the package documents it."""

    @on(Action.boot_notification)
    async def on_boot(self, charge_point_vendor: str, charge_point_model: str, **_: Any) -> object:
        await store(
            "INSERT OR REPLACE INTO stations VALUES (?, ?, ?, ?)",
            (self.id, charge_point_vendor, charge_point_model, now_text()),
        )
        return call_result.BootNotification(current_time=now_text(), interval=300, status=RegistrationStatus.accepted)

    @on(Action.heartbeat)
    async def on_heartbeat(self) -> object:
        return call_result.Heartbeat(current_time=now_text())

    @on(Action.status_notification)
    async def on_status(self, connector_id: int, status: str, **_: Any) -> object:
        await store("INSERT OR REPLACE INTO statuses VALUES (?, ?, ?, ?)", (self.id, connector_id, status, now_text()))
        return call_result.StatusNotification()

    @on(Action.authorize)
    async def on_authorize(self, id_tag: str) -> object:
        await store("INSERT INTO authorizations (station, id_tag, at) VALUES (?, ?, ?)", (self.id, id_tag, now_text()))
        return call_result.Authorize(id_tag_info=IdTagInfo(status=AuthorizationStatus.accepted))

    @on(Action.start_transaction)
    async def on_start(self, connector_id: int, id_tag: str, meter_start: int, timestamp: str, **_: Any) -> object:
        transaction_id = await store(
            "INSERT INTO transactions (station, connector, id_tag, meter_start, started_at) VALUES (?, ?, ?, ?, ?)",
            (self.id, connector_id, id_tag, meter_start, timestamp),
        )
        return call_result.StartTransaction(
            transaction_id=transaction_id, id_tag_info=IdTagInfo(status=AuthorizationStatus.accepted)
        )

    @on(Action.stop_transaction)
    async def on_stop(
        self, meter_stop: int, timestamp: str, transaction_id: int, reason: str | None = None, **_: Any
    ) -> object:
        await store(
            "UPDATE transactions SET meter_stop = ?, stopped_at = ?, reason = ? WHERE id = ?",
            (meter_stop, timestamp, reason, transaction_id),
        )
        return call_result.StopTransaction()

    @on(Action.meter_values)
    async def on_meter_values(
        self, connector_id: int, meter_value: list[dict[str, Any]], transaction_id: int | None = None
    ) -> object:
        rows = [
            (
                self.id,
                connector_id,
                transaction_id,
                reading["timestamp"],
                sample.get("measurand"),
                sample.get("phase"),
                sample.get("unit"),
                sample["value"],
            )
            for reading in meter_value
            for sample in reading["sampled_value"]
        ]
        await store(
            "INSERT INTO meter_values (station, connector, transaction_id, at, measurand, phase, unit, value) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            *rows,
        )
        return call_result.MeterValues()


async def on_connect(connection: ServerConnection) -> None:
    """Serve one station until it leaves."""
    request = connection.request
    assert request is not None
    station = NaiveStation(request.path.rsplit("/", 1)[-1], connection)
    try:
        await station.start()
    except websockets.exceptions.ConnectionClosed:
        pass


async def main() -> None:
    """Serve until killed."""
    global database
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--database")
    arguments = parser.parse_args()
    if arguments.database:
        database = await aiosqlite.connect(arguments.database)
        await database.execute("PRAGMA journal_mode = WAL")
        await database.executescript(SCHEMA)
    async with websockets.serve(
        on_connect, "127.0.0.1", arguments.port, subprotocols=[websockets.Subprotocol("ocpp1.6")], backlog=4096
    ) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
