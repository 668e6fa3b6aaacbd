"""The search for meters over HTTP: found, out of time, one at a time, and never on a line that the gateway reads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from gateway.configuration import Meter, TcpTransport
from gateway.model.instants import Instant
from gateway.web.routes import SITE
from tests.fakes.modbus_meters import ServedMeter, on_tcp
from tests.unit.meters.register_dumps import named
from tests.unit.web.conftest import Door
from tests.unit.web.test_frames_api import expect_shape

SCAN = "/api/v1/meters/scan"


@asynccontextmanager
async def silence() -> AsyncIterator[int]:
    """A port that takes connections and says nothing."""

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(hear, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_who_answers_is_found(door: Door) -> None:
    off = await door.document("GET", SCAN)
    expect_shape(off, "MeterScan")
    assert off == {"state": "off", "begun_time": None, "text": None, "items": []}
    async with on_tcp(ServedMeter(3, named("eastron_sdm630").registers)) as port:
        wish = {"host": "127.0.0.1", "port": port, "first_unit": 3, "last_unit": 3}
        done = await door.document("POST", SCAN, json=wish)
    expect_shape(done, "MeterScan")
    assert (done["state"], [one["unit"] for one in done["items"]]) == ("done", [3])
    assert await door.document("GET", SCAN) == done


async def test_one_at_a_time_and_within_a_time(door: Door) -> None:
    async with silence() as port:
        wish = {"host": "127.0.0.1", "port": port, "last_unit": 247, "seconds": 1}
        running = asyncio.create_task(door.document("POST", SCAN, json=wish))
        async with asyncio.timeout(5):
            while (await door.document("GET", SCAN))["text"] is None:
                pass
        problem = await door.problem("POST", SCAN, json=wish, expect=409)
        assert "under way" in problem["detail"]
        over = await running
    assert (over["state"], over["items"]) == ("out_of_time", [])


async def test_a_line_of_the_gateway_is_left_alone(door: Door) -> None:
    meter = Meter("grid", "eastron_sdm630", TcpTransport("10.0.0.5"))
    assert door.client.app is not None
    used = replace(door.site, configuration=replace(door.site.configuration, meters=(meter,)))
    door.client.app[SITE].scan.begin(Instant(1))
    door.client.app[SITE].scan.end("done")
    from gateway.operations.scan_line import scan_line

    document = await scan_line(used, {"host": "10.0.0.5"})
    assert document["state"] == "failed"
    assert "in use by the running gateway (meter grid)" in str(document["text"])


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"device": "/dev/x", "host": "h"},
        {"device": ""},
        {"host": 5},
        {"host": "h", "port": 0},
        {"host": "h", "port": "502"},
        {"host": "h", "framing": "x"},
        {"host": "h", "parity": "X"},
        {"host": "h", "baudrate": 299},
        {"host": "h", "baudrate": "fast"},
        {"host": "h", "first_unit": 5, "last_unit": 4},
        {"host": "h", "last_unit": 248},
        {"host": "h", "seconds": 601},
        {"host": "h", "seconds": True},
        {"host": "h", "x": 1},
    ],
)
async def test_mistakes(door: Door, wrong: object) -> None:
    await door.problem("POST", SCAN, json=wrong, expect=422)
    await door.problem("POST", SCAN, json={"host": "h"}, role="operator", expect=403)
    assert (await door.document("GET", SCAN))["state"] == "off"
