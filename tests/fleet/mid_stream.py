"""The play of all cluster tests: a gateway has stored events while offline, tells them, and a node dies in mid-stream.

Stations go on charging all the while. It decides when the blow falls: when a part has been stored and a part has not.
It does not know which brokers there are.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.fleet import proof
from tests.fleet.at_work import caught_up, database_of, gateway_at_work, stations_port, until
from tests.fleet.forwarder import Forwarder
from tests.fleet.stations import BusyStation

STATIONS = 4
CARS = 80  # of each station; half of them while the gateway is offline
STORED_BEFORE_THE_BLOW = 100


@dataclass(frozen=True, slots=True)
class Sides:
    """The gateway's way to the brokers, the ports behind it, and where the consumer keeps what it stores."""

    near: Forwarder
    brokers: list[int]
    ledger: Path


async def tell_across_a_death(directory: Path, sides: Sides, strike: Callable[[], None]) -> None:
    """Play it; every event must have arrived once and in order although `strike` was called in the middle."""
    sides.near.targets = []  # a load balancer without a living broker behind it
    async with gateway_at_work(directory / "gateway", sides.near.port) as gateway:
        stations = [
            BusyStation(f"CP{number}", stations_port(gateway), random.Random(number)) for number in range(STATIONS)
        ]
        database = database_of(gateway)
        await _all_charge(stations, CARS // 2)
        assert not proof.told(sides.ledger)
        held = sum(proof.newest(database).values())
        assert held > 4 * STORED_BEFORE_THE_BLOW

        sides.near.targets = list(sides.brokers)
        async with asyncio.TaskGroup() as group:
            group.create_task(_all_charge(stations, CARS))
            await until(lambda: _stored(sides.ledger) >= STORED_BEFORE_THE_BLOW, "the first events to be stored")
            stored = _stored(sides.ledger)
            strike()
            assert stored < held, "the blow fell in mid-stream"
        await caught_up(database, sides.ledger)
    await caught_up(database, sides.ledger)  # what the gateway told of its own end is not due any more
    proof.assert_told_exactly_once(database, sides.ledger)
    proof.assert_sessions(sides.ledger, stations)


async def _all_charge(stations: list[BusyStation], cars: int) -> None:
    async with asyncio.TaskGroup() as group:
        for station in stations:
            group.create_task(station.charge(cars=cars))


def _stored(ledger: Path) -> int:
    return sum(proof.stored_upto(ledger).values())
