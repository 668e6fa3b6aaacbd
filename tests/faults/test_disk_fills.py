"""A required upstream away for weeks, and a disk that fills, really (a small tmpfs): what bills goes on being recorded.

Nothing of stream `tx` is lost, no station is refused, and whatever else is missing is explained.
"""

from __future__ import annotations

import asyncio
import base64
import json
import random
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection

from gateway.model.instants import Instant
from gateway.operations import keep_house, keep_room
from gateway.operations.site import Site
from gateway.store import events, upstreams
from gateway.store.writing import Writing
from tests.fakes.gateway_in_process import Running, running_gateway
from tests.fakes.small_disk import small_disk
from tests.faults.test_disk_full import OPTIONS, ask, station

MORE = """
[retention]
transactions_days = 400
[[upstream]]
name = "fleet"
host = "127.0.0.1"
port = 1
tls = false
required = true
"""
BACKLOG = 7000
START = {"connectorId": 1, "idTag": "TAG", "meterStart": 1000, "timestamp": "2024-01-15T08:00:00Z"}


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "data", megabytes=11) as disk:
        yield disk.directory


@pytest.fixture
async def gateway(disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Running]:
    monkeypatch.setattr(keep_room, "_EVERY_SECONDS", 0.02)
    monkeypatch.setattr(keep_room, "_PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(keep_room, "_ROWS_AT_ONCE", 50)
    monkeypatch.setattr(keep_house, "_INDEX_EVERY_SECONDS", 0.02)
    async with running_gateway(tmp_path, ocpp=OPTIONS, more=MORE) as running:
        yield running


async def weeks_of_billing(site: Site) -> None:
    """What the upstream has not acknowledged."""

    def unit(db: Writing) -> None:
        for number in range(BACKLOG // 10):
            at = Instant(1_600_000_000_000_000 + number)  # older than they need be kept
            data = {"id_tag": f"TAG-{number}", "status": "Accepted", "parent_id_tag": "x" * 400}
            events.append(db, "authorization.decided", happened_at=at, recorded_at=at, data=data)

    for _ in range(10):
        await site.database.write(unit)


async def chatters(line: ClientConnection, *, frames: int) -> None:
    """Meter values that do not compress; each is answered."""
    noise = random.Random(1)
    for _ in range(frames):
        value = base64.b64encode(noise.randbytes(4000)).decode()
        sample = {"value": value, "measurand": "Temperature"}
        body = {"connectorId": 1, "meterValue": [{"timestamp": "2024-01-15T08:00:00Z", "sampledValue": [sample]}]}
        assert (await ask(line, "MeterValues", body))[0] == 3


async def charges(line: ClientConnection, *, sessions: int) -> list[int]:
    """Sessions that are told whole; their ids."""
    numbers = []
    for one in range(sessions):
        start = {**START, "meterStart": 1000 * one}
        number = (await ask(line, "StartTransaction", start))[2]["transactionId"]  # type: ignore[index, call-overload]
        for minute in (10, 20):
            sampled = [{"value": str(1000 * one + minute)}]
            values = [{"timestamp": f"2024-01-15T08:{minute}:00Z", "sampledValue": sampled}]
            measured = {"connectorId": 1, "transactionId": number, "meterValue": values}
            assert (await ask(line, "MeterValues", measured))[0] == 3
        stop = {"transactionId": number, "meterStop": 1000 * one + 500, "timestamp": "2024-01-15T08:30:00Z"}
        assert (await ask(line, "StopTransaction", stop))[0] == 3
        await ask(line, "StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Available"})
        numbers.append(number)
        await asyncio.sleep(0.02)
    return numbers


async def test_what_bills_goes_on_and_what_is_missing_is_explained(gateway: Running) -> None:
    await weeks_of_billing(gateway.site)
    async with station(gateway, "CP1") as one, station(gateway, "CP2") as two:
        numbers, _ = await asyncio.gather(charges(two, sessions=30), chatters(one, frames=1000))
        # a session whose stop never comes
        open_one = (await ask(two, "StartTransaction", {**START, "meterStart": 77}))[2]["transactionId"]  # type: ignore[index, call-overload]
        values = [{"timestamp": "2024-01-15T08:10:00Z", "sampledValue": [{"value": "4242"}]}]
        measured = {"connectorId": 1, "transactionId": open_one, "meterValue": values}
        assert (await ask(two, "MeterValues", measured))[0] == 3
        await chatters(one, frames=100)
        await ask(two, "StartTransaction", {**START, "meterStart": 5000, "timestamp": "2024-01-15T09:00:00Z"})
    await keep_house.forget(gateway.site)
    assert gateway.site.health.ready()
    assert gateway.site.database.failure is None
    await gateway.site.database.write(lambda db: None)
    with closing(sqlite3.connect(gateway.site.database.path)) as connection:
        connection.execute("BEGIN")  # room is made still
        rows = connection.execute(
            "SELECT transaction_id, meter_stop_wh - meter_start_wh, stop_source FROM transactions ORDER BY 1"
        ).fetchall()
        assert rows[:30] == [(number, 500, "station") for number in numbers]
        assert rows[30] == (open_one, 4242 - 77, "reconstructed")
        (billing,) = connection.execute("SELECT count(*) FROM events WHERE stream = 'tx'").fetchone()
        assert billing == connection.execute("SELECT max(sequence) FROM events WHERE stream = 'tx'").fetchone()[0]
        assert billing >= BACKLOG + 62
        levels = [json.loads(row[0])["level"] for row in connection.execute(_TOLD, ("disk.pressure",))]
        assert "meter_stopped" in levels
        assert_explained(connection)
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


async def test_there_is_room_again_when_the_upstream_has_what_is_old(gateway: Running) -> None:
    site = gateway.site
    await weeks_of_billing(site)
    await until(site, lambda: site.room.level > 0)
    await keep_house.forget(site)
    assert await billing_events(site) == BACKLOG, "however old"
    acked = {"tx": BACKLOG, "ops": 0, "meter": 0}
    await site.database.write(lambda db: upstreams.acknowledge(db, "fleet", acked))
    await keep_house.forget(site)
    assert await billing_events(site) == 1
    await until(site, lambda: site.room.level == 0)
    assert site.health.components()["disk"] is None


async def billing_events(site: Site) -> int:
    (number,) = await site.readers.row("SELECT count(*) FROM events WHERE stream = 'tx'") or (0,)
    return int(number)


async def until(site: Site, is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not is_so():
            await site.journal_signal.newer_than(site.journal_signal.generation)


_TOLD = "SELECT data FROM events WHERE kind = ? ORDER BY id"


def assert_explained(connection: sqlite3.Connection) -> None:
    """Every missing sequence of stream ops and of the frames lies in a range, and the ranges count as many."""
    for stream, table in (("ops", "events WHERE stream = 'ops'"), ("meter", "meter_frames")):
        there = {row[0] for row in connection.execute(f"SELECT sequence FROM {table}")}
        missing = set(range(1, max(there, default=0) + 1)) - there
        ranges = connection.execute(
            "SELECT from_sequence, to_sequence, count FROM dropped_ranges WHERE stream = ?", (stream,)
        ).fetchall()
        assert sum(count for _, _, count in ranges) == len(missing)
        unexplained = [gap for gap in missing if not any(first <= gap <= last for first, last, _ in ranges)]
        assert unexplained == []
