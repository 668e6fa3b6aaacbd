"""ocpp-2w-proxy 1: with both upstreams gone, the depot behind the proxy could not charge at all.

Here fleet managers are told what happens, and asked nothing: with one broker unreachable and the other one hanging,
stations boot, cards are judged, sessions are billed, commands of people are carried out and the API answers, all as
fast as ever. Afterwards both get everything, once and in order.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.conformance.site_under_test import Bench
from tests.fakes.fleet_consumer import FleetConsumer, fleet_consumer
from tests.fakes.mosquitto import Mosquitto
from tests.fakes.scripted_station import plugged_in
from tests.field.stage import TWO_STATIONS, Operator, site

pytestmark = pytest.mark.slow

SESSIONS = 10
AT = "2027-01-15T08:00:00Z"


def upstream(name: str, broker: Mosquitto) -> str:
    return (
        f'[[upstream]]\nname = "{name}"\nhost = "127.0.0.1"\nport = {broker.port}\ntls = false\n'
        "start_jitter_seconds = 0\nbackoff_max_seconds = 1\n"
    )


async def a_day_at_the_depot(gateway: Bench, operator: Operator) -> float:
    """Everything that a depot needs; the seconds that it took."""
    begun = time.monotonic()
    await operator.put_tag("VALID")
    async with plugged_in(gateway.running.station_url("CP-1")) as station:
        assert (await station.boots())["status"] == "Accepted"
        for number in range(SESSIONS):
            assert (await station.authorizes("VALID"))["status"] == "Accepted"
            assert (await station.authorizes("STRANGER"))["status"] == "Invalid"
            started = await station.starts(1, "VALID", meter=number * 1000, at=AT)
            assert (await station.stops(started["transactionId"], meter=number * 1000 + 500, at=AT)) is not None
        asked = asyncio.create_task(operator.command("ClearCache", {}))
        await station.expect("ClearCache")
        await station.answer({"status": "Accepted"})
        status, document = await asked
        assert (status, document["status"]) == (200, "answered")
    assert len(await operator.sessions()) >= SESSIONS
    return time.monotonic() - begun


async def test_a_depot_survives_the_loss_of_both_upstreams(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        dead, hanging = brokers = [Mosquitto(tmp_path / name) for name in ("dead", "hanging")]
        for broker in brokers:
            stack.push_async_callback(broker.stop)
        await hanging.start()
        hanging.freeze()  # connections are accepted by the kernel, and nobody ever answers
        more = TWO_STATIONS + upstream("first", dead) + upstream("second", hanging)
        gateway, operator = await stack.enter_async_context(site(tmp_path, ocpp="automatic_calls = false\n", more=more))
        assert await a_day_at_the_depot(gateway, operator) < 5.0
        async with operator.session.get("/readyz") as answer:
            assert answer.status == 200, "the site is ready, whoever else is away"
        hanging.thaw()
        await dead.start()
        managers = [await stack.enter_async_context(fleet_consumer(broker.port, gateway=bench_id(gateway)))
                    for broker in brokers]  # fmt: skip
        for manager in managers:
            await manager.until(lambda manager=manager: billed(manager) == SESSIONS)  # type: ignore[misc]
            assert [event["sequence"] for event in manager.stream("tx")] == list(
                range(1, len(manager.stream("tx")) + 1)
            )


def bench_id(gateway: Bench) -> str:
    return gateway.site.configuration.site.id


def billed(manager: FleetConsumer) -> int:
    return len({event["data"]["transaction_id"] for event in manager.of_type("transaction.ended")})
