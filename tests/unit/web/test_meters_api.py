"""/meters and what /metrics says of them: site meters as configured, with what was read of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from aiohttp.test_utils import TestClient, TestServer

from gateway.configuration import Circuit, Meter, RtuTransport, TcpTransport
from gateway.model.meters import Measured
from gateway.operations.manage_tokens import create_token
from gateway.web.application import make_application
from gateway.web.documents import SCHEMAS
from tests.unit.web.conftest import NOON, Door, configuration_in, open_site

MEASURED = Measured((10.5, -8.25, 0.75), (230.5, 231.25, 229.75), (2400.0, -1800.0, None), 770.0, 1234.5678, None)


@pytest.fixture
async def metered(tmp_path: Path) -> AsyncIterator[Door]:
    """A door on a site with two meters; nobody reads them but the test."""
    configuration = replace(
        configuration_in(tmp_path),
        meters=(
            Meter("grid", "SDM630", TcpTransport("10.0.0.5")),
            Meter("row", "eastron_sdm630", RtuTransport(Path("/dev/ttyUSB0"))),
        ),
        circuits=(Circuit(name="main", limit_amps=(63, 63, 63), meter="grid"),),
    )
    async with open_site(configuration) as site:
        token = (await create_token(site, role="viewer", name="v", actor="test")).text
        async with TestClient(TestServer(make_application(site))) as client:
            yield Door(site, client, {"viewer": token, "installer": token})


def read(door: Door) -> None:
    now = asyncio.get_running_loop().time()
    door.site.meters.succeeded("grid", MEASURED, wall=NOON, loop_seconds=now)
    door.site.meters.failed("row", "line", "/dev/ttyUSB0 is not there")


async def test_the_newest_reading_of_every_meter(metered: Door) -> None:
    read(metered)
    document = await metered.document("GET", "/api/v1/meters", role="viewer")
    schema = {"$ref": "#/components/schemas/MeterCollection", "components": {"schemas": SCHEMAS}}
    jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker()).validate(document)
    grid, row = document["items"]
    assert document["next"] is None
    assert 0 <= grid.pop("age_seconds") < 5
    assert grid == {
        "name": "grid",
        "model": "eastron_sdm630",
        "trust": "fresh",
        "reason": None,
        "read_time": "2027-01-15T08:00:00.000Z",
        "amps": [10.5, -8.25, 0.75],
        "volts": [230.5, 231.25, 229.75],
        "watts": [2400.0, -1800.0, None],
        "total_watts": 770.0,
        "energy_import_wh": 1234.568,
        "energy_export_wh": None,
        "interval_seconds": 1,
        "circuits": ["main"],
        "reads": 1,
        "errors": {},
    }
    assert (row["trust"], row["reason"]) == ("missing", "/dev/ttyUSB0 is not there")
    assert (row["amps"], row["age_seconds"], row["errors"]) == ([None] * 3, None, {"line": 1})


async def test_pages_and_misspelt_filters(metered: Door) -> None:
    first = await metered.document("GET", "/api/v1/meters?limit=1")
    assert [one["name"] for one in first["items"]] == ["grid"]
    second = await metered.document("GET", f"/api/v1/meters?limit=1&after={first['next']}")
    assert [one["name"] for one in second["items"]] == ["row"] and second["next"] is None
    await metered.problem("GET", "/api/v1/meters?name=grid", expect=422)
    assert (await metered.ask("GET", "/api/v1/meters", role=None)).status == 401


async def test_a_site_without_meters(door: Door) -> None:
    assert await door.document("GET", "/api/v1/meters") == {"items": [], "next": None}
    assert "ocpp_gateway_meter_" not in await (await door.ask("GET", "/metrics", role=None)).text()


async def test_metrics_of_meters(metered: Door) -> None:
    read(metered)
    lines = (await (await metered.ask("GET", "/metrics", role=None)).text()).splitlines()
    assert 'ocpp_gateway_meter_trusted{meter="grid"} 1' in lines
    assert 'ocpp_gateway_meter_trusted{meter="row"} 0' in lines
    assert 'ocpp_gateway_meter_reads_total{meter="grid"} 1' in lines
    assert 'ocpp_gateway_meter_errors_total{meter="row",kind="line"} 1' in lines
    ages = [line for line in lines if line.startswith("ocpp_gateway_meter_reading_age_seconds{")]
    assert len(ages) == 1 and 'meter="grid"' in ages[0]
