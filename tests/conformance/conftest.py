"""The gateway in certification mode, and a station that has booted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conformance.site_under_test import Bench, bench
from tests.fakes.scripted_station import ScriptedStation


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
