"""Consumers that fall silent, lose what they had, say nonsense, or ask for something: nothing is lost or believed."""

from __future__ import annotations

import asyncio
import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from gateway.operations import deliver_events
from gateway.store import station_numbers
from tests.fakes.fleet_consumer import Document
from tests.fakes.mosquitto import mosquitto
from tests.upstream.fleet_site import Scene, charge, measure, scene
from tests.upstream.linking import until

pytestmark = pytest.mark.slow

_IDS = itertools.count(1)


async def result(at: Scene, type_: str, **args: Any) -> Document:
    """What comes of a command."""
    command = {"id": f"c-{next(_IDS)}", "type": type_, "args": args, "issued_at": "2026-01-01T00:00:00Z", "actor": "t"}
    if "station" in args:
        command["target"] = {"station": args.pop("station")}
    at.fleet.command({**command, "ttl_s": 3600}, expiry_seconds=3600)
    return await at.fleet.result_of(str(command["id"]))


async def test_who_acknowledges_nothing_gets_a_window_and_no_more(tmp_path: Path) -> None:
    silent = {"acknowledging": False}
    async with mosquitto(tmp_path / "broker") as broker, scene(tmp_path, broker, consumer=silent) as at:
        await charge(at.station, sessions=150)
        flow = at.upstream.delivery.flows["tx"]
        await until(lambda: len(flow.unacked) == 256, "a full window")
        await at.fleet.until(lambda: at.fleet.duplicates > 0, "the same again after silence")
        assert len(at.fleet.stream("tx")) == 256 and at.acked() == 0
        at.fleet.acknowledging = True
        await at.billed(150)


async def test_silence_is_told_and_ends_the_link_and_who_is_idle_is_left_in_peace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliver_events, "_SILENT_SECONDS", 1.0)
    monkeypatch.setattr(deliver_events, "_TELL_SILENCE_SECONDS", 0.5)
    async with mosquitto(tmp_path / "broker") as broker, scene(tmp_path, broker) as at:
        await charge(at.station)
        await at.billed(1)
        await asyncio.sleep(1.5)  # nothing is waited for
        await charge(at.station, first=1)
        await at.billed(2)
        assert at.upstream.session == 1 and "silent" not in at.upstream.alarms
        at.fleet.acknowledging = False
        await charge(at.station, first=2)
        assert "acknowledges" in await at.alarmed("silent")
        await until(lambda: at.upstream.session == 2, "another link")
        at.fleet.acknowledging = True
        await at.billed(3)
        await at.calm("silent")


@pytest.mark.parametrize(
    ("alarm", "said"),
    [
        ("epoch", {"epoch": "deadbeef", "stream": "tx", "upto": 9}),
        ("ahead", {"stream": "tx", "upto": 10_000}),
        ("ack", {"stream": "tx", "upto": -1}),
        ("ack", {"stream": "bills", "upto": 1}),
        ("ack", ["what"]),
    ],
)
async def test_wrong_acknowledgements_are_told_and_not_believed(tmp_path: Path, alarm: str, said: Any) -> None:
    async with mosquitto(tmp_path / "broker") as broker, scene(tmp_path, broker) as at:
        await charge(at.station)
        await at.billed(1)
        at.fleet.acknowledging = False
        await charge(at.station, first=1)
        await at.fleet.until(lambda: len(at.fleet.stream("tx")) == 4)
        epoch = at.fleet.stream("tx")[0]["epoch"]
        at.fleet.publish("ack", {"epoch": epoch, **said} if isinstance(said, dict) else said)
        await at.alarmed(alarm)
        assert at.acked() == 2 and at.upstream.link is not None
        at.fleet.acknowledging = True
        at.fleet.acknowledge(epoch, "tx")
        await at.billed(2)
        await at.calm(alarm)


async def test_rubbish_on_every_topic_harms_nothing(tmp_path: Path) -> None:
    async with mosquitto(tmp_path / "broker") as broker, scene(tmp_path, broker) as at:
        for topic in ("ack", "cmd", "des/auth-list", "des/what", "nothing", "ack/more", "cmd/"):
            for rubbish in (b"", b"\x00\xff", b"[" * 50_000, b'{"id": null}', b"x" * 300_000):
                at.fleet.client.publish(f"{at.fleet.base}/dn/{topic}", rubbish, qos=1)
        at.fleet.client.publish("ocpp-gateway/v1/_host/billing", b"{", qos=1)
        at.fleet.client.publish("ocpp-gateway/v1/_host/pay", b'{"state": "online", "timestamp": "2"}', qos=1)
        at.fleet.client.publish("ocpp-gateway/v1/_host/pay", b'{"state": "offline", "timestamp": "1"}', qos=1)
        await charge(at.station)
        await at.billed(1)
        await until(lambda: "pay" in at.upstream.hosts, "the consumer's state")
        assert at.upstream.hosts == {"pay": {"state": "online", "timestamp": "2"}}
        assert (at.upstream.session, (await result(at, "ping"))["status"]) == (1, "succeeded")


async def test_a_consumer_that_was_restored_from_its_backup_gets_the_rest_again(tmp_path: Path) -> None:
    async with mosquitto(tmp_path / "broker") as broker, scene(tmp_path, broker) as at:
        await charge(at.station, sessions=20)
        await at.billed(20)
        at.fleet.forget("tx", beyond=7)
        await charge(at.station, first=20)
        await at.billed(21)


async def test_a_gap_is_followed_by_going_back_once(tmp_path: Path) -> None:
    async with mosquitto(tmp_path / "broker") as broker, scene(tmp_path, broker) as at:
        await charge(at.station, sessions=5)
        await at.billed(5)
        at.fleet.acknowledging = False
        await charge(at.station, sessions=5, first=5)
        await at.fleet.until(lambda: len(at.fleet.stream("tx")) == 20)
        rewinds = at.gateway.site.health.counters.snapshot
        epoch = at.fleet.stream("tx")[0]["epoch"]
        at.fleet.forget("tx", beyond=15)
        for _ in range(10):
            at.fleet.acknowledge(epoch, "tx", gap=True)
        await at.fleet.until(lambda: len(at.fleet.stream("tx")) == 20, "what was missing")
        assert sum(value for name, _, value in rewinds() if name == "upstream_rewinds_total") == 1
        assert at.fleet.duplicates == 0 and at.acked() == 15
        at.fleet.acknowledging = True
        await at.billed(10)


async def test_from_a_sequence_or_an_instant_on_again(tmp_path: Path) -> None:
    async with mosquitto(tmp_path / "broker") as broker, scene(tmp_path, broker) as at:
        await charge(at.station, sessions=5)
        await at.billed(5)
        at.fleet.forget("tx", beyond=3)
        told = await result(at, "resync", stream="tx", **{"from": 4})
        assert told["response"]["from"] == 4 and "snapshot" not in told["response"]
        await at.billed(5)
        at.fleet.forget("tx", beyond=0)
        told = await result(at, "resync", stream="tx", since="2020-01-01T00:00:00Z")
        assert told["response"]["from"] == 1
        await at.billed(5)
        at.fleet.acknowledging = False
        await charge(at.station, first=5)
        await result(at, "resync", stream="tx", **{"from": 10_000})
        assert at.acked() == 10, "what was never acknowledged is not passed over"
        at.fleet.acknowledging = True
        await at.billed(6)


async def test_older_than_what_is_kept_begins_with_the_oldest_and_says_what_is_so_now(tmp_path: Path) -> None:
    async with mosquitto(tmp_path / "broker") as broker, scene(tmp_path, broker) as at:
        for number in range(12):
            await measure(at.station, text=str(number))
        await until(lambda: at.acked("meter") == 12, "the acknowledgement")
        await charge(at.station)
        await at.station.say(
            "StartTransaction",
            {"connectorId": 1, "idTag": "open", "meterStart": 9, "timestamp": "2027-01-15T08:00:00Z"},
        )
        database = at.gateway.site.database
        await database.write(station_numbers.note)
        await database.write(lambda db: db.execute("DELETE FROM meter_frames WHERE sequence <= 8"))
        at.fleet.forget("meter", beyond=2)
        told = await result(at, "resync", stream="meter", **{"from": 3})
        assert told["response"]["oldest"] == told["response"]["from"] == 9
        assert told["response"]["snapshot"] == {"stations": 1, "open_transactions": 1}
        await at.fleet.until(lambda: len(at.fleet.stream("meter")) == 6)
        sequences = [event["sequence"] for event in at.fleet.stream("meter")]
        assert sequences == [1, 2, 9, 10, 11, 12]
        assert next(event for event in at.fleet.stream("meter") if event["sequence"] == 9)["after"] == 2
        await at.fleet.until(lambda: len(at.fleet.of_type("transaction.snapshot")) == 1)
        (station,) = at.fleet.of_type("station.snapshot")
        assert (station["data"]["station"], station["data"]["connected"]) == ("CP1", True)


async def test_born_again(tmp_path: Path) -> None:
    async with mosquitto(tmp_path / "broker") as broker, scene(tmp_path, broker) as at:
        await at.fleet.until(lambda: len(at.fleet.said["info"]) == 1)
        told = await result(at, "rebirth")
        assert told["response"] == {"stations": 1, "open_transactions": 0}
        await at.fleet.until(lambda: len(at.fleet.said["info"]) == 2)
        assert [station["station"] for station in at.fleet.said["info"][1]["stations"]] == ["CP1"]


async def test_several_events_in_one_message_when_asked_for(tmp_path: Path) -> None:
    async with (
        mosquitto(tmp_path / "broker", extra="max_inflight_messages 2") as broker,
        scene(tmp_path, broker, consumer={"batch": True}) as at,
    ):
        await charge(at.station)
        await at.billed(1)
        at.fleet.acknowledging = False
        broker.freeze()
        await charge(at.station, sessions=200, first=1)
        broker.thaw()
        await at.fleet.until(lambda: any(payload.startswith(b"[") for _, payload in at.fleet.raw))
        assert max(len(flow.unacked) for flow in at.upstream.delivery.flows.values()) <= 256
        at.fleet.acknowledging = True
        await at.billed(201)
        batches = [(topic, json.loads(text)) for topic, text in at.fleet.raw if text.startswith(b"[")]
        assert max(len(batch) for _, batch in batches) > 20
        assert max(len(text) for _, text in at.fleet.raw) <= 100 * 1024
        assert all(
            topic.endswith("/CP1") for topic, batch in batches if {e["subject"] for e in batch} == {"station/CP1"}
        )


async def test_no_faster_than_asked_for(tmp_path: Path) -> None:
    async with (
        mosquitto(tmp_path / "broker") as broker,
        scene(tmp_path, broker, consumer={"flow": 20.0}) as at,
    ):
        await charge(at.station)
        await at.billed(1)
        loop = asyncio.get_running_loop()
        begun = loop.time()
        await charge(at.station, sessions=15, first=1)
        await at.billed(16)
        assert loop.time() - begun > 25 / 20
        at.fleet.flow = None
        begun = loop.time()
        await charge(at.station, sessions=30, first=16)
        await at.billed(46)
        assert loop.time() - begun < 60 / 20


async def test_live_telemetry_only_while_somebody_asked_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.operations.live_telemetry._EVERY_SECONDS", 0.1)
    async with mosquitto(tmp_path / "broker") as broker, scene(tmp_path, broker) as at:
        await measure(at.station, text="1")
        await asyncio.sleep(0.3)
        assert not [topic for topic in at.fleet.said if topic.startswith("live/")]
        told = await result(at, "live.start", seconds=60)
        assert told["response"]["seconds"] == 60
        await at.fleet.until(lambda: bool(at.fleet.said["live/_site"]))
        await measure(at.station, text="2")
        await at.fleet.until(lambda: bool(at.fleet.said["live/CP1"]))
        (frame,) = at.fleet.said["live/CP1"]
        assert frame["data"]["meterValue"][0]["sampledValue"] == [{"value": "2"}]
        assert at.fleet.said["live/_site"][0]["data"]["connected"] == ["CP1"]
        await result(at, "live.stop")
        told_before = len(at.fleet.said["live/_site"])
        await measure(at.station, text="3")
        await asyncio.sleep(0.4)
        assert len(at.fleet.said["live/_site"]) <= told_before + 1 and len(at.fleet.said["live/CP1"]) == 1
        await at.fleet.until(lambda: len(at.fleet.stream("meter")) == 3, "what is durable all the same")
