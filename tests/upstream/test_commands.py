"""Commands over a real broker: sent twice, too late, and while the daemon is killed again and again.

Fleet manager and station are independent of the gateway; what was done is counted where it is done, at the station.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import WebSocketException

from gateway.daemon import Surroundings
from gateway.machine_clock import machine_clock
from tests.end_to_end.running_gateway import RunningGateway
from tests.end_to_end.running_gateway import running_gateway as running_daemon
from tests.fakes.fleet_consumer import FleetConsumer, fleet_consumer
from tests.fakes.gateway_in_process import running_gateway
from tests.fakes.mosquitto import mosquitto
from tests.fakes.scripted_station import plugged_in
from tests.upstream.fleet_site import BOOT, FREE, upstream

pytestmark = pytest.mark.slow
NO_TIME_ALLOWED = "2020-01-01T00:00:00Z"


def transfer(number: int, **more: Any) -> dict[str, Any]:
    """A request that the station can tell from every other."""
    args = {"action": "DataTransfer", "payload": {"vendorId": "V", "messageId": f"c{number}"}}
    return {"id": f"c{number}", "type": "ocpp.call", "target": {"station": "CP1"}, "args": args, **more}


async def test_the_same_command_thrice_is_done_once_and_answered_thrice(tmp_path: Path) -> None:
    around = Surroundings(web=False, clock=lambda: replace(machine_clock(), synchronised=True, max_error_us=5000))
    async with (
        mosquitto(tmp_path / "broker") as broker,
        fleet_consumer(broker.port) as fleet,
        running_gateway(tmp_path, ocpp=FREE, more=upstream(broker.port), surroundings=around) as gateway,
        plugged_in(gateway.station_url("CP1")) as station,
    ):
        await station.say("BootNotification", BOOT)
        await fleet.until(lambda: bool(fleet.said["state"]), "a birth")
        for _ in range(2):
            fleet.command(transfer(1), expiry_seconds=60)
        assert (await station.expect("DataTransfer"))["messageId"] == "c1"
        await station.answer({"status": "Accepted"})
        result = await fleet.result_of("c1")
        assert (result["status"], result["response"]) == ("succeeded", {"status": "Accepted"})
        fleet.command(transfer(1))
        await fleet.until(lambda: fleet.said["res"].count(result) == 2)
        fleet.command(transfer(2, expires_at=NO_TIME_ALLOWED))
        assert (await fleet.result_of("c2"))["status"] == "expired"
        fleet.command(transfer(3, target={"station": "CP9"}))
        assert (await fleet.result_of("c3"))["error"]["code"] == "unknown_station"
        await fleet.until(lambda: len(finals(fleet)) == 3, "three events")
        assert Counter(finals(fleet)) == Counter(["c1", "c2", "c3"])


async def test_a_command_that_waited_in_the_broker_too_long_never_arrives(tmp_path: Path) -> None:
    async with mosquitto(tmp_path / "broker") as broker, fleet_consumer(broker.port) as fleet:
        async with running_gateway(tmp_path, ocpp=FREE, more=upstream(broker.port)):
            await fleet.until(lambda: bool(fleet.said["state"]))
        fleet.command(transfer(1), expiry_seconds=1)
        fleet.command({"id": "p", "type": "ping"}, expiry_seconds=60)
        await asyncio.sleep(2)
        async with running_gateway(tmp_path, ocpp=FREE, more=upstream(broker.port)):
            assert (await fleet.result_of("p"))["status"] == "succeeded", "the broker kept it for the gateway"
        assert [result["id"] for result in fleet.said["res"]] == ["p"] * 3


def finals(fleet: FleetConsumer) -> list[str]:
    """The ids of the commands whose end stands in the journal, an id for each event."""
    found = [event["data"] for event in fleet.of_type("command.finished")]
    return [data["fleet_command_id"] for data in found if "upstream" in data]


@asynccontextmanager
async def persistent_station(url: str, done: Counter[str]) -> AsyncIterator[None]:
    """A station that dials until it is connected, for ever; `done` counts what it was asked to do."""

    async def live() -> None:
        while True:
            with suppress(OSError, WebSocketException, TimeoutError, AssertionError):
                async with plugged_in(url, free_payloads=True) as station:
                    await station.say("BootNotification", BOOT)
                    await serve(station)
            await asyncio.sleep(0.2)

    async def serve(station: Any) -> None:
        closed = asyncio.create_task(station.socket.wait_closed())
        while not closed.done():
            asked = asyncio.create_task(station.requests.get())
            await asyncio.wait([asked, closed], return_when=asyncio.FIRST_COMPLETED)
            if not asked.done():
                asked.cancel()
                return
            station._open = asked.result()
            done[station._open.payload["messageId"]] += 1
            await asyncio.sleep(0.03)
            await station.answer({"status": "Accepted"})

    living = asyncio.create_task(live())
    try:
        yield
    finally:
        living.cancel()
        with suppress(asyncio.CancelledError):
            await living


async def test_each_is_done_once_at_most_while_the_daemon_is_killed_again_and_again(tmp_path: Path) -> None:
    chance, done, most = random.Random(7), Counter[str](), 60
    ocpp: dict[str, object] = {"unknown_stations": "accept", "automatic_calls": False}
    async with (
        mosquitto(tmp_path / "broker", saves_at_once=True) as broker,
        fleet_consumer(broker.port, gateway="foreign-stations") as fleet,
    ):
        daemon = running_daemon(tmp_path / "site", ocpp=ocpp, more=upstream(broker.port))
        gateway: RunningGateway = await asyncio.to_thread(daemon.__enter__)
        async with persistent_station(f"{gateway.ocpp_url}/CP1", done):
            sending = asyncio.create_task(keep_sending(fleet, most))
            for _ in range(4):
                await asyncio.sleep(chance.uniform(0.3, 1.2))
                await asyncio.to_thread(gateway.kill)
                await asyncio.to_thread(gateway.start)
            await sending
        await asyncio.to_thread(daemon.__exit__, None, None, None)
        statuses = {}
        for event in fleet.of_type("command.finished"):
            if "upstream" in event["data"]:
                statuses[event["data"]["fleet_command_id"]] = event["data"]["status"]
    assert Counter(finals(fleet)) == Counter(f"c{number}" for number in range(most)), "each ends once"
    assert not [command for command, times in done.items() if times > 1], "none is done twice"
    succeeded = [command for command, status in statuses.items() if status == "succeeded"]
    assert succeeded and all(done[command] == 1 for command in succeeded)


async def keep_sending(fleet: FleetConsumer, most: int) -> None:
    """Send each until its end stands in the journal, as a fleet manager does."""
    async with asyncio.timeout(60):
        for first in range(0, most, 6):
            numbers = range(first, first + 6)
            while missing := [number for number in numbers if f"c{number}" not in finals(fleet)]:
                for number in missing:
                    fleet.command(transfer(number, if_offline="queue"), expiry_seconds=120)
                with suppress(AssertionError, TimeoutError):
                    async with asyncio.timeout(1):
                        await fleet.until(lambda wanted=missing: all(f"c{one}" in finals(fleet) for one in wanted))  # type: ignore[misc]
