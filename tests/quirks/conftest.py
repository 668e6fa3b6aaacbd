"""A gateway as it is run in the field, with a station that has been accepted before."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conformance.site_under_test import Bench, bench
from tests.fakes.scripted_station import ScriptedStation


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench(tmp_path, ocpp="") as running:
        yield running


@pytest.fixture
async def station(gateway: Bench) -> AsyncIterator[ScriptedStation]:
    async with gateway.station() as connected:
        yield connected
