"""The disk answers "I/O error" to the n-th group of writes, at its beginning, in the middle or at its COMMIT."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from gateway.store import database
from gateway.store.writing import StationNumbers
from tests.fakes.gateway_in_process import running_gateway
from tests.faults.persistent_station import Station, assert_told_once

MOST_BATCHES = 40


class FailingConnection:
    """The writer's connection on a disk that fails: every statement that begins with `word` raises."""

    def __init__(self, connection: sqlite3.Connection, word: str) -> None:
        self._connection, self._word = connection, word

    def __getattr__(self, name: str) -> object:
        return getattr(self._connection, name)

    def execute(self, sql: str, *parameters: object) -> object:
        if sql.lstrip().startswith(self._word):
            raise sqlite3.OperationalError("disk I/O error")
        return self._connection.execute(sql, *parameters)

    def executemany(self, sql: str, rows: object) -> object:
        if sql.startswith(self._word):
            raise sqlite3.OperationalError("disk I/O error")
        return self._connection.executemany(sql, rows)  # type: ignore[arg-type]


@pytest.mark.parametrize("word", ["BEGIN", "INSERT", "COMMIT"])
async def test_every_session_exactly_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    run_batch = database._run_batch
    numbers = {"batch": 0, "failing": 0, "failed": 0}

    def running(
        connection: sqlite3.Connection, station_numbers: StationNumbers, batch: database.Batch
    ) -> database.Outcomes:
        numbers["batch"] += 1
        if numbers["batch"] != numbers["failing"]:
            return run_batch(connection, station_numbers, batch)
        outcomes = run_batch(FailingConnection(connection, word), station_numbers, batch)  # type: ignore[arg-type]
        numbers["failed"] += outcomes.failure is not None
        return outcomes

    monkeypatch.setattr(database, "_run_batch", running)
    failures = 0
    for failing in range(5, MOST_BATCHES):  # the first four belong to the start itself
        directory = tmp_path / str(failing)
        directory.mkdir()
        numbers.update(batch=0, failing=failing, failed=0)
        async with running_gateway(directory, ocpp='unknown_stations = "accept"\nunknown_tags = "accept"') as gateway:

            async def dial(url: str = gateway.station_url("CP1")) -> str:
                return url

            station = Station(dial, fresh_ids=bool(failing % 2))
            await station.two_sessions()
            over = numbers["batch"] < failing
            assert gateway.site.health.ready() or numbers["batch"] == failing
        assert_told_once(directory / "data" / "gateway.db", station)
        bills = {"StartTransaction", "StopTransaction", "MeterValues"}
        assert not [error for error in station.errors if error.split()[0] in bills], "no CALLERROR to what bills"
        assert station.closed_with == [], "no Close frame"
        failures += numbers["failed"]
        if over:
            break
    assert failures >= (8 if word != "INSERT" else 6)
