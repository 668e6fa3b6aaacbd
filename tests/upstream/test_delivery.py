"""Events on their way to a fleet manager over a real broker: each stored once, in order, whatever fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.fleet_consumer import fleet_consumer
from tests.fakes.gateway_in_process import running_gateway
from tests.fakes.mosquitto import mosquitto
from tests.fakes.scripted_station import plugged_in
from tests.upstream.fleet_site import BOOT, FREE, charge, upstream

pytestmark = pytest.mark.slow


async def test_a_session_reaches_the_fleet_manager_once_and_in_order(tmp_path: Path) -> None:
    async with mosquitto(tmp_path / "broker") as broker, fleet_consumer(broker.port) as fleet:
        async with running_gateway(tmp_path, ocpp=FREE, more=upstream(broker.port)) as gateway:
            async with plugged_in(gateway.station_url("CP%201")) as station:
                await station.say("BootNotification", BOOT)
                (transaction,) = await charge(station)
            await fleet.until(lambda: len(fleet.of_type("transaction.ended")) == 1)
            await fleet.until(lambda: len(fleet.of_type("station.disconnected")) == 1)
        await fleet.until(lambda: fleet.said["state"][-1]["state"] == "offline")
    assert [event["sequence"] for event in fleet.stream("tx")] == [1, 2]
    ops = [event["sequence"] for event in fleet.stream("ops")]
    assert ops == list(range(1, len(ops) + 1))
    started, ended = fleet.stream("tx")
    assert started["data"]["transaction_id"] == ended["data"]["transaction_id"] == transaction
    assert (started["subject"], started["stationseq"], ended["stationseq"]) == ("station/CP%201/connector/1", 1, 2)
    assert ended["data"]["energy_wh"] == 700 and ended["data"]["station"] == "CP 1"
    assert fleet.said["state"][0]["session"] == fleet.said["state"][-1]["session"] == 1
    assert any(topic.endswith("/up/evt/tx/CP~201") for topic, _ in fleet.raw)
    assert fleet.out_of_order == 0


async def test_what_happened_while_the_broker_was_away_is_told_afterwards(tmp_path: Path) -> None:
    async with mosquitto(tmp_path / "broker", saves_at_once=True) as broker, fleet_consumer(broker.port) as fleet:
        async with (
            running_gateway(tmp_path, ocpp=FREE, more=upstream(broker.port)) as gateway,
            plugged_in(gateway.station_url("CP1")) as station,
        ):
            await station.say("BootNotification", BOOT)
            await charge(station)
            await fleet.until(lambda: len(fleet.of_type("transaction.ended")) == 1)
            broker.kill()
            await charge(station, sessions=40, first=1)
            await broker.start()
            await fleet.until(lambda: len(fleet.of_type("transaction.ended")) == 41)
        sequences = [event["sequence"] for event in fleet.stream("tx")]
        assert sequences == list(range(1, 83))
