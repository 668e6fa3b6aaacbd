"""The ways in which brokers fail: everything is stored once and in order afterwards, and people are told."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.fakes.fleet_consumer import fleet_consumer
from tests.fakes.gateway_in_process import running_gateway
from tests.fakes.mosquitto import mosquitto
from tests.fakes.scripted_station import plugged_in
from tests.upstream.fleet_site import BOOT, FREE, charge, measure, scene, upstream
from tests.upstream.linking import until
from tests.upstream.test_other_brokers import free_port, nats, spawned

pytestmark = pytest.mark.slow

NO_SESSIONS = "topic readwrite #\ntopic deny ocpp-gateway/v1/test-site/up/evt/tx/#\n"


async def test_events_that_the_broker_forbids_are_not_delivered_but_told(tmp_path: Path) -> None:
    async with mosquitto(tmp_path / "broker", acl=NO_SESSIONS) as broker, scene(tmp_path, broker) as at:
        await charge(at.station, sessions=2)
        assert "not authorized" in (await at.alarmed("refused tx")).lower()
        await until(lambda: at.acked("ops") > 0, "what is not forbidden")
        assert at.acked() == 0 and at.fleet.stream("tx") == []
        broker.configure(acl="topic readwrite #\n")
        broker.reload()
        await at.billed(2)
        await at.calm("refused tx")


async def test_a_broker_that_bears_one_message_at_a_time(tmp_path: Path) -> None:
    async with (
        mosquitto(tmp_path / "broker", extra="max_inflight_messages 1") as broker,
        scene(tmp_path, broker) as at,
    ):
        await charge(at.station, sessions=30)
        assert at.upstream.link is not None and at.upstream.link.receive_max == 1
        await at.billed(30)
        assert at.fleet.out_of_order == 0


async def test_a_broker_that_takes_small_messages_only(tmp_path: Path) -> None:
    async with mosquitto(tmp_path / "broker", extra="max_packet_size 1500") as broker, scene(tmp_path, broker) as at:
        await until(lambda: bool(at.fleet.said["info"]), "the birth certificate")
        (transaction,) = await charge(at.station)
        await measure(at.station, text="x" * 5000, transaction=transaction)
        await measure(at.station, text="7")
        await at.billed(1)
        await at.fleet.until(lambda: len(at.fleet.stream("meter")) == 2)
        large, small = at.fleet.stream("meter")
        assert large["data"]["left_out_bytes"] > 5000 and large["data"]["station"] == "CP1"
        assert "payload" not in large["data"] and "left_out_bytes" not in small["data"]
        assert at.fleet.of_type("transaction.ended")[0]["data"]["energy_wh"] == 700
        assert "too large" not in at.upstream.alarms


async def test_of_a_site_too_large_for_one_message_the_birth_leaves_stations_out(tmp_path: Path) -> None:
    async with mosquitto(tmp_path / "broker", extra="max_packet_size 1500") as broker, scene(tmp_path, broker) as at:
        for number in range(2, 30):
            async with plugged_in(at.gateway.station_url(f"CP{number}")) as station:
                await station.say("BootNotification", BOOT)
        at.fleet.command({"id": "again", "type": "rebirth"})
        await at.fleet.result_of("again")
        await at.fleet.until(lambda: at.fleet.said["info"][-1]["stations_left_out"] > 0, "a shorter birth certificate")
        told = at.fleet.said["info"][-1]
        assert len(told["stations"]) > 0 and len(told["stations"]) + told["stations_left_out"] == 29
        assert told["streams"]["ops"]["newest"] > 0


async def test_a_broker_that_takes_nothing_that_size_is_told(tmp_path: Path) -> None:
    async with mosquitto(tmp_path / "broker", extra="max_packet_size 400") as broker, scene(tmp_path, broker) as at:
        await charge(at.station)
        assert "bytes" in await at.alarmed("too large")
        assert at.acked() == 0
        broker.kill()
        broker.configure()
        await broker.start()
        await at.billed(1)


async def test_killed_again_and_again_while_events_are_under_way(tmp_path: Path) -> None:
    async with (
        mosquitto(tmp_path / "broker", saves_at_once=True) as broker,
        scene(tmp_path, broker) as at,
    ):
        sessions = 0
        for _ in range(3):
            charging = asyncio.create_task(charge(at.station, sessions=40, first=sessions))
            await at.fleet.until(lambda least=sessions: len(at.fleet.of_type("transaction.ended")) > least)  # type: ignore[misc]
            broker.kill()
            sessions += len(await charging)
            await broker.start()
        await at.billed(sessions)


async def test_a_broker_that_forgot_everything_it_had_confirmed(tmp_path: Path) -> None:
    async with mosquitto(tmp_path / "broker") as broker, scene(tmp_path, broker) as at:
        await at.fleet.leave()  # the events are confirmed by the broker, and nobody has them
        await charge(at.station, sessions=10)
        await until(lambda: len(at.upstream.delivery.flows["tx"].unacked) == 20, "everything to be sent")
        broker.kill()
        await broker.start()
        await until(lambda: at.upstream.link is not None, "another link")
        await at.fleet.come_back()
        await at.billed(10)


async def test_a_broker_that_stands_still(tmp_path: Path) -> None:
    async with mosquitto(tmp_path / "broker") as broker, scene(tmp_path, broker, keepalive_seconds=1) as at:
        broker.freeze()
        await charge(at.station, sessions=5)
        await until(lambda: at.upstream.link is None, "the loss to be noticed")
        await until(lambda: at.upstream.trouble is not None, "the loss to be told, after the farewell")
        await charge(at.station, sessions=5, first=5)
        broker.thaw()
        await at.billed(10)
        assert at.upstream.trouble is None


async def test_commands_given_while_the_gateway_was_not_running_wait_in_the_broker(tmp_path: Path) -> None:
    async with mosquitto(tmp_path / "broker") as broker, fleet_consumer(broker.port) as fleet:
        for life in (1, 2):
            async with running_gateway(tmp_path, ocpp=FREE, more=upstream(broker.port)) as gateway:
                await until(lambda gateway=gateway: bool(gateway.site.fleet.upstreams), "the loop")  # type: ignore[misc]
                await fleet.until(lambda life=life: len(fleet.said["info"]) >= life)  # type: ignore[misc]
                if life == 2:
                    assert (await fleet.result_of("p1"))["status"] == "succeeded"
            await fleet.until(lambda life=life: len(fleet.said["state"]) >= 2 * life)  # type: ignore[misc]
            command = {"id": "p1", "type": "ping", "issued_at": "2026-01-01T00:00:00Z", "ttl_s": 3600, "actor": "t"}
            fleet.command(command, expiry_seconds=3600)
        assert [said["session"] for said in fleet.said["state"]] == [1, 1, 2, 2]


async def test_what_is_left_in_the_broker_is_known(tmp_path: Path) -> None:
    silent = {"acknowledging": False}
    async with mosquitto(tmp_path / "broker") as broker, scene(tmp_path, broker, consumer=silent) as at:
        await until(lambda: len(at.fleet.said["info"]) > 0, "the birth")
    async with running_gateway(tmp_path, ocpp=FREE, more=upstream(broker.port)) as gateway:
        rows = await gateway.site.database.write(
            lambda db: db.execute("SELECT topic FROM retained_topics WHERE upstream = 'fleet' ORDER BY 1").fetchall()
        )
    topics = [topic for (topic,) in rows]
    assert topics[:2] == ["ocpp-gateway/v1/test-site/up/info", "ocpp-gateway/v1/test-site/up/state"]


async def test_ids_with_characters_that_mean_something_to_brokers(tmp_path: Path) -> None:
    ids = {"NL*A:B.1 +#": "NL%2AA%3AB.1%20%2B%23", "_site": "_site", "CP$é": "CP%24%C3%A9"}
    async with mosquitto(tmp_path / "broker") as broker, scene(tmp_path, broker) as at:
        for path in ids.values():
            async with plugged_in(at.gateway.station_url(path)) as station:
                await station.say("BootNotification", BOOT)
                await charge(station)
        fleet = at.fleet
        await fleet.until(lambda: len(fleet.of_type("transaction.ended")) == len(ids))
    assert {event["data"]["station"] for event in fleet.of_type("transaction.ended")} == set(ids)
    levels = {topic.rsplit("/", 1)[1] for topic, _ in fleet.raw if "/evt/tx/" in topic}
    assert levels == {"NL~2AA~3AB~2E1~20~2B~23", "~5Fsite", "CP~24~C3~A9"}


async def test_a_broker_that_speaks_mqtt_3_1_1_alone_and_is_killed(tmp_path: Path) -> None:
    port = free_port()
    async with (
        nats(tmp_path / "nats", port) as server,
        fleet_consumer(port, modern=False) as fleet,
        running_gateway(tmp_path, ocpp=FREE, more=upstream(port)) as gateway,
        plugged_in(gateway.station_url("CP1")) as station,
    ):
        await station.say("BootNotification", BOOT)
        await until(lambda: any(up.link for up in gateway.site.fleet.upstreams.values()), "a link")
        link = gateway.site.fleet.upstreams["fleet"].link
        assert link is not None and link.protocol == "3.1.1"
        await charge(station, sessions=20)
        await fleet.until(lambda: len(fleet.of_type("transaction.ended")) == 20)
        server.kill()
        server.wait()
        await charge(station, sessions=20, first=20)
        again = spawned(tmp_path / "nats", port)
        try:
            await fleet.until(lambda: len(fleet.of_type("transaction.ended")) == 40)
        finally:
            again.terminate()
            again.wait()
        assert [event["sequence"] for event in fleet.stream("tx")] == list(range(1, 81))
