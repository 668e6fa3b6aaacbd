"""The disk is full, really (a small tmpfs): clear refusals, nothing half written, nothing lost, and back by itself."""

from __future__ import annotations

import asyncio
import base64
import json
import random
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from gateway.operations import keep_house
from gateway.store.database import StoreUnavailable
from gateway.store.migrations import UnusableDatabase
from tests.fakes.gateway_in_process import Running, running_gateway
from tests.fakes.small_disk import SmallDisk, small_disk
from tests.faults.persistent_station import Station, assert_without_gaps

OPTIONS = 'unknown_stations = "accept"\nunknown_tags = "accept"'


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "data", megabytes=8) as disk:
        yield disk


@pytest.fixture
async def gateway(disk: SmallDisk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Running]:
    monkeypatch.setattr(keep_house, "_PROBE_EVERY_SECONDS", 0.02)
    async with running_gateway(tmp_path, ocpp=OPTIONS) as running:
        yield running


@asynccontextmanager
async def station(gateway: Running, identity: str) -> AsyncIterator[ClientConnection]:
    url = gateway.station_url(identity)
    async with connect(url, subprotocols=[Subprotocol("ocpp1.6")], compression=None, ping_interval=None) as line:
        yield line


async def ask(line: ClientConnection, action: str, payload: dict[str, object]) -> list[object]:
    await line.send(json.dumps([2, f"{action}-1", action, payload]))
    async with asyncio.timeout(10):
        return list(json.loads(await line.recv()))


async def flood(line: ClientConnection) -> int:
    """Meter values that do not compress, until the line is cut; how many were answered."""
    noise = random.Random(1)
    for answered in range(1000):
        value = base64.b64encode(noise.randbytes(40_000)).decode()
        sample = {"value": value, "format": "SignedData"}
        body = {"connectorId": 1, "meterValue": [{"timestamp": "2024-01-15T08:00:00Z", "sampledValue": [sample]}]}
        try:
            assert (await ask(line, "MeterValues", body))[0] == 3
        except ConnectionClosed as closed:
            assert closed.rcvd is None, "no Close frame: some stations never dial again after one"
            return answered
    raise AssertionError("the disk is too large for this test")


async def refusal_of_a_stranger(gateway: Running) -> int:
    """The status with which stations that must be written down are refused; a few may find room."""
    for number in range(3, 100):
        try:
            async with station(gateway, f"CP{number}"):
                continue
        except InvalidStatus as refused:
            return refused.response.status_code
    raise AssertionError("strangers are let in without end")


async def until_ready(gateway: Running) -> None:
    async with asyncio.timeout(10):
        while not gateway.site.health.ready():
            await gateway.site.journal_signal.newer_than(gateway.site.journal_signal.generation)


async def test_what_bills_stays_with_the_station_until_there_is_room(disk: SmallDisk, gateway: Running) -> None:
    start = {"connectorId": 1, "idTag": "TAG", "meterStart": 1000, "timestamp": "2024-01-15T08:00:00Z"}
    async with station(gateway, "CP1") as one, station(gateway, "CP2") as two:
        assert gateway.site.health.ready()
        disk.fill()
        answered = await flood(one)
        while (answer := await ask(two, "Authorize", {"idTag": "TAG"}))[0] == 3:
            pass  # what is small may find room for a while
        assert answer[:3] == [4, "Authorize-1", "InternalError"], "what does not bill is refused"
        assert not gateway.site.health.ready()
        assert "full" in str(gateway.site.health.components()["store"])
        with pytest.raises(ConnectionClosed) as closed:
            await ask(two, "StartTransaction", start)
        assert closed.value.rcvd is None
        assert await refusal_of_a_stranger(gateway) == 503
        assert not gateway.site.health.ready()
    disk.make_room()
    await until_ready(gateway)
    async with station(gateway, "CP2") as two:
        for _ in range(2):
            answer = await ask(two, "StartTransaction", start)
            assert answer[:2] == [3, "StartTransaction-1"]
        number = answer[2]["transactionId"]  # type: ignore[index, call-overload]
        stop = {"transactionId": number, "meterStop": 1500, "timestamp": "2024-01-15T09:00:00Z"}
        assert (await ask(two, "StopTransaction", stop))[0] == 3
    await gateway.site.database.write(lambda db: None)
    with closing(sqlite3.connect(gateway.site.database.path)) as connection:
        rows = connection.execute("SELECT transaction_id, meter_stop_wh - meter_start_wh FROM transactions").fetchall()
        assert rows == [(number, 500)]
        frames = connection.execute("SELECT count(*) FROM meter_frames WHERE station = 'CP1'").fetchone()
        assert frames == (answered,), "what was answered is there, and nothing else"
        assert_without_gaps(connection)
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


async def test_a_gateway_that_starts_on_a_full_disk_says_why(disk: SmallDisk, tmp_path: Path) -> None:
    disk.fill()
    with pytest.raises((UnusableDatabase, OSError, StoreUnavailable), match=r"full|No space left"):
        async with running_gateway(tmp_path, ocpp=OPTIONS):
            raise AssertionError("it cannot have started")
    disk.make_room()
    async with running_gateway(tmp_path, ocpp=OPTIONS) as gateway:
        assert gateway.site.health.ready()


async def test_a_stop_is_told_until_it_is_stored(disk: SmallDisk, gateway: Running) -> None:
    dialled = 0

    async def dial() -> str:
        nonlocal dialled
        dialled += 1
        if dialled == 4:
            assert not gateway.site.health.ready()
            disk.make_room()
            await until_ready(gateway)
        return gateway.station_url("CP1")

    one = Station(dial, fresh_ids=True)
    start = {"connectorId": 1, "idTag": "TAG", "meterStart": 1000, "timestamp": "2024-01-15T08:00:00Z"}
    number = (await one.tell("StartTransaction", start))["transactionId"]
    async with station(gateway, "CP2") as two:
        disk.fill()
        await flood(two)
    stop = {"transactionId": number, "meterStop": 1500, "timestamp": "2024-01-15T09:00:00Z"}
    await one.tell("StopTransaction", stop)
    await one.hang_up()
    assert one.cut_off > 0, "the line was cut without an answer"
    assert one.closed_with == [], "no Close frame"
    assert one.errors == []
    with closing(sqlite3.connect(gateway.site.database.path)) as connection:
        rows = connection.execute("SELECT transaction_id, meter_stop_wh - meter_start_wh FROM transactions").fetchall()
        assert rows == [(number, 500)]
        assert_without_gaps(connection)
