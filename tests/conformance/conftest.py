"""The gateway in certification mode, and a station that has booted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conformance.site_under_test import Bench, bench
from tests.fakes.scripted_station import ScriptedStation


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test marked `both_orders` runs in the listed order of messages and in the swapped one."""
    if metafunc.definition.get_closest_marker("both_orders") is not None:
        metafunc.parametrize("swapped", [False, True], ids=["as_listed", "swapped"], indirect=True)


@pytest.fixture(autouse=True)
def swapped(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether stations tell SN(Charging) before StartTransaction, and SN(Finishing) before StopTransaction."""
    wanted = bool(getattr(request, "param", False))
    monkeypatch.setattr(ScriptedStation, "swapped", wanted)
    return wanted


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench(tmp_path) as running:
        yield running


@pytest.fixture
async def station(gateway: Bench) -> AsyncIterator[ScriptedStation]:
    """CP-1 in the state Booted; leaving fails when the gateway sent anything that nobody expected."""
    async with gateway.station() as connected:
        assert (await connected.boots())["status"] == "Accepted"
        for connector in (0, 1, 2):
            assert await connected.shows(connector, "Available") == {}
        yield connected


@pytest.fixture(autouse=True)
def no_rest_between_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gateway's own requests follow each other at once."""
    monkeypatch.setattr("gateway.operations.ask_by_itself._REST_SECONDS", 0.0)
