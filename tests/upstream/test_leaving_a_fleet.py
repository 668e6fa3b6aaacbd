"""Leaving a fleet over a real broker: nothing of the gateway stays in it, not even after the gateway has stopped."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from gateway.operations.describe_upstreams import describe_upstreams
from gateway.operations.forget_upstream import CannotForget, forget_upstream
from tests.fakes.fleet_consumer import fleet_consumer
from tests.fakes.gateway_in_process import running_gateway
from tests.fakes.mosquitto import mosquitto
from tests.upstream.fleet_site import FREE, upstream
from tests.upstream.linking import until

pytestmark = pytest.mark.slow


async def test_nothing_of_ours_stays_in_the_broker(tmp_path: Path) -> None:
    async with mosquitto(tmp_path / "broker") as broker, fleet_consumer(broker.port) as fleet:
        async with running_gateway(tmp_path, ocpp=FREE, more=upstream(broker.port)) as gateway:
            await fleet.until(lambda: bool(fleet.said["info"]) and bool(fleet.stream("ops")))
            assert {"state", "info"} <= {topic.rpartition("/")[2] for topic in await retained(broker.port)}
            topics = await forget_upstream(gateway.site, "fleet", actor="test")
            assert topics is not None and len(topics) >= 2
            await fleet.until(lambda: [payload for topic, payload in fleet.raw if topic in topics][-2:] == [b"", b""])
            now = gateway.site.fleet.upstreams["fleet"]
            await until(lambda: "forgotten" in str(now.trouble), "staying away")
            (document,) = await describe_upstreams(gateway.site)
            assert document["connected"] is False and "forgotten" in str(document["trouble"])
            with pytest.raises(CannotForget):
                await forget_upstream(gateway.site, "fleet", actor="test")
        assert await retained(broker.port) == set()


async def retained(port: int) -> set[str]:
    """The topics that a new consumer finds something on."""
    loop = asyncio.get_running_loop()
    found: set[str] = set()
    marked = asyncio.Event()
    client = Client(CallbackAPIVersion.VERSION2)

    def arrived(client: Client, userdata: object, message: MQTTMessage) -> None:
        if message.topic == "mark":  # sent behind the subscription: what is retained came before
            loop.call_soon_threadsafe(marked.set)
        elif message.retain:
            found.add(message.topic)

    def subscribed(*arguments: object) -> None:
        client.publish("mark", b"x", qos=1)

    client.on_message, client.on_subscribe = arrived, subscribed
    client.on_connect = lambda *arguments: client.subscribe("#", qos=1)
    await asyncio.to_thread(client.connect, "127.0.0.1", port)
    client.loop_start()
    try:
        async with asyncio.timeout(10):
            await marked.wait()
    finally:
        client.disconnect()
        await asyncio.to_thread(client.loop_stop)
    return found
