"""What cars draw is known while their stations say it, over real sockets, and only of stations that a circuit feeds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.model.circuits import Outlet
from gateway.model.identities import StationId
from gateway.operations import note_draws
from tests.conformance.site_under_test import Bench, bench
from tests.fakes.scripted_station import ScriptedStation

CP_1 = (StationId("CP-1"), 1)
SITE = """
[[circuit]]
name = "main"
limit_amps = 100

[[station]]
id = "CP-1"
circuit = "main"
connectors = 1

[[station]]
id = "CP-2"
"""


def amps(*values: str) -> list[dict[str, str]]:
    return [
        {"value": value, "measurand": "Current.Import", "unit": "A", "phase": f"L{line}"}
        for line, value in enumerate(values, 1)
    ]


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench(tmp_path, more=SITE, ocpp="automatic_calls = false") as running:
        running.site.load.outlets[CP_1] = Outlet("CP-1", 1, "main")
        yield running


@pytest.fixture
async def station(gateway: Bench) -> AsyncIterator[ScriptedStation]:
    async with gateway.station() as connected:
        await connected.boots()
        yield connected


def drawn(gateway: Bench, connector: int = 1, station: str = "CP-1") -> tuple[float, ...] | None:
    draw = gateway.site.load.draws.get((StationId(station), connector))
    return None if draw is None else draw.amps


def faults(gateway: Bench) -> float:
    counted = gateway.site.health.counters.snapshot()
    return sum(value for name, _, value in counted if name == "draw_faults_total")


async def test_the_draw_follows_what_the_station_says(gateway: Bench, station: ScriptedStation) -> None:
    number = await station.charges(1)
    await station.measures(1, [*amps("16", "15.5", "15"), {"value": "4200"}], transactionId=number)
    assert drawn(gateway) == (16, 15.5, 15)
    assert gateway.site.load.draws[StationId("CP-1"), 1].energy_register_wh == 4200
    await station.measures(1, amps("6", "0", "0"), transactionId=number)
    assert drawn(gateway) == (6, 0, 0)
    assert gateway.site.load.draws[StationId("CP-1"), 1].energy_register_wh == 4200
    await station.stops(number)
    assert drawn(gateway) == (0, 0, 0)
    assert faults(gateway) == 0


async def test_available_ends_the_draw(gateway: Bench, station: ScriptedStation) -> None:
    await station.measures(1, amps("16", "16", "16"))
    await station.shows(1, "Charging")
    assert drawn(gateway) == (16, 16, 16)
    await station.shows(1, "Available")
    assert drawn(gateway) == (0, 0, 0)


async def test_a_late_end_says_nothing_about_the_next_session(gateway: Bench, station: ScriptedStation) -> None:
    first = await station.charges(1)
    gateway.clock.forward(seconds=20)
    await station.say(
        "StartTransaction", {"connectorId": 1, "idTag": "OTHER", "meterStart": 9, "timestamp": "2027-01-15T08:00:20Z"}
    )
    await station.measures(1, amps("9", "9", "9"), at="2027-01-15T08:00:20Z")
    await station.stops(first)
    assert drawn(gateway) == (9, 9, 9)


async def test_what_waited_in_the_station_is_not_the_present_draw(gateway: Bench, station: ScriptedStation) -> None:
    await station.measures(1, amps("6", "6", "6"))
    await station.measures(1, amps("16", "16", "16"), at="2027-01-15T07:50:00Z")
    assert drawn(gateway) == (6, 6, 6)
    await station.measures(1, amps("16", "16", "16"), at="2027-01-15T07:59:45Z")  # behind what is known already
    assert drawn(gateway) == (6, 6, 6)


async def test_the_register_alone_tells_the_mean(gateway: Bench, station: ScriptedStation) -> None:
    for minute, register in ((0, 1000), (2, 1230)):
        gateway.clock.now += minute * 60_000_000
        await station.measures(1, [{"value": str(register)}], at=f"2027-01-15T08:{minute:02d}:00Z")
    assert drawn(gateway) == pytest.approx((10, 10, 10))


async def test_connector_0_is_the_station_where_there_is_one_connector(
    gateway: Bench, station: ScriptedStation
) -> None:
    await station.measures(0, amps("6", "6", "6"))
    assert drawn(gateway) == (6, 6, 6)
    gateway.site.load.outlets[StationId("CP-1"), 2] = Outlet("CP-1", 2, "main")
    await station.measures(0, amps("20", "20", "20"))
    await station.measures(101, amps("20", "20", "20"))
    assert drawn(gateway) == (6, 6, 6) and drawn(gateway, 101) is None


async def test_a_station_without_circuit_costs_nothing(gateway: Bench) -> None:
    async with gateway.station("CP-2") as station:
        await station.boots()
        number = await station.charges(1)
        await station.measures(1, amps("6", "6", "6"), transactionId=number)
        await station.stops(number)
        await station.shows(1, "Available")
    assert not gateway.site.load.draws and not gateway.site.load.registers


async def test_a_fault_never_spoils_the_answer(
    gateway: Bench, station: ScriptedStation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*told: Any, **more: Any) -> None:
        raise RuntimeError("planted")

    monkeypatch.setattr(note_draws, "amps_drawn", broken)
    assert await station.measures(1, amps("6", "6", "6")) == {}
    assert faults(gateway) == 1 and drawn(gateway) is None
    assert len(await gateway.rows("SELECT id FROM meter_frames")) == 1
