"""The loop that ends reservations: in time, with little work, through a store that is away and a clock that is set."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.daemon import Surroundings
from gateway.model.instants import Instant, instant_of
from gateway.operations import expire_reservations
from gateway.operations.carry_out_commands import carry_out
from gateway.operations.site import Site
from gateway.simulated_station import Habits, SimulatedStation
from gateway.store.database import StoreUnavailable
from tests.fakes.gateway_in_process import running_gateway
from tests.fakes.virtual_time import World, run_virtual

START = datetime(2027, 1, 15, 8, tzinfo=UTC)
STATIONS = '[[station]]\nid = "CP-1"\n'


def ended(database: Path) -> list[tuple[str, float]]:
    """(reason, seconds since the start) of every end."""
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute(
            "SELECT json_extract(data, '$.reason'), happened_at FROM events"
            " WHERE kind = 'reservation.ended' ORDER BY id"
        ).fetchall()
    return [(why, (at - instant_of(START)) / 1e6) for why, at in rows]


async def reserve(site: Site, connector: int, seconds: float) -> None:
    end = (START + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")
    payload = {"connectorId": connector, "idTag": "DEMO-1", "expiryDate": end}
    outcome = await carry_out(site, station="CP-1", action="ReserveNow", payload=payload, actor="test")
    assert outcome.response == {"status": "Accepted"}, outcome


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The wall clock at each look into the store, in seconds since the start."""
    looks: list[float] = []
    end_due = expire_reservations.end_due

    async def look(site: Site) -> Instant | None:
        looks.append((site.wall_clock() - instant_of(START)) / 1e6)
        return await end_due(site)

    monkeypatch.setattr(expire_reservations, "end_due", look)
    return looks


def play(directory: Path, story: Any) -> None:
    """A gateway and one station with two connectors, that nobody visits, in virtual time."""

    async def main(world: World) -> None:
        around = Surroundings(wall_clock=lambda: Instant(world.clock.micros()), clock=world.clock.machine, web=False)
        async with running_gateway(directory, more=STATIONS, surroundings=around) as running:
            url = f"ws://127.0.0.1:{running.addresses.stations_port}/ocpp"
            habits = Habits(busy=False, connectors=2)
            station = SimulatedStation("CP-1", url, seed=1, habits=habits, wall_clock=world.clock.time)
            task = asyncio.create_task(station.run())
            await asyncio.sleep(30)
            assert station.connected
            await story(world, running.site, task)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    run_virtual(main, start=START)


def test_to_the_second_and_without_looking_all_the_time(tmp_path: Path, counted: list[float]) -> None:
    async def story(world: World, site: Site, station: asyncio.Task[None]) -> None:
        await reserve(site, 1, 1000)
        await reserve(site, 2, 4000)
        station.cancel()  # the power of the station is gone: nobody but the gateway knows the end
        await asyncio.sleep(5000)

    play(tmp_path, story)
    assert [why for why, _ in ended(tmp_path / "data" / "gateway.db")] == ["expired", "expired"]
    assert [at for _, at in ended(tmp_path / "data" / "gateway.db")] == pytest.approx([1000, 4000], abs=0.1)
    assert len(counted) < 5000 / 60 + 20


def test_the_station_and_the_gateway_agree(tmp_path: Path) -> None:
    async def story(world: World, site: Site, station: asyncio.Task[None]) -> None:
        await reserve(site, 1, 100)
        await asyncio.sleep(200)

    play(tmp_path, story)
    ((why, at),) = ended(tmp_path / "data" / "gateway.db")
    assert why in ("expired", "freed")
    assert at == pytest.approx(100, abs=1)


def test_a_clock_that_is_set_is_noticed(tmp_path: Path) -> None:
    async def story(world: World, site: Site, station: asyncio.Task[None]) -> None:
        await reserve(site, 1, 7200)
        station.cancel()
        await asyncio.sleep(1)
        world.clock.step(7200)
        await asyncio.sleep(61)

    play(tmp_path, story)
    ((why, _),) = ended(tmp_path / "data" / "gateway.db")
    assert why == "expired"


def test_it_goes_on_when_the_store_is_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(world: World, site: Site, station: asyncio.Task[None]) -> None:
        await reserve(site, 1, 100)
        station.cancel()
        end_due, failures = expire_reservations.end_due, 3

        async def failing(site: Site) -> Instant | None:
            nonlocal failures
            if failures and site.wall_clock() >= instant_of(START) + 100e6:
                failures -= 1
                raise StoreUnavailable("full")
            return await end_due(site)

        monkeypatch.setattr(expire_reservations, "end_due", failing)
        await asyncio.sleep(300)
        assert failures == 0

    play(tmp_path, story)
    ((why, at),) = ended(tmp_path / "data" / "gateway.db")
    assert (why, at) == ("expired", pytest.approx(115, abs=1))
