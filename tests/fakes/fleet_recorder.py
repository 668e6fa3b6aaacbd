"""Hears everything that goes over a broker under one root, as it was published: for holding it against the contract.

A subscriber beside the real consumers. It asks the broker to leave the retain mark as it was, and judges nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.subscribeoptions import SubscribeOptions

PATIENCE_SECONDS = 15.0


@dataclass(frozen=True)
class Published:
    """One message as its sender published it."""

    topic: str
    payload: bytes
    qos: int
    retain: bool
    content_type: str | None


@dataclass
class Recorder:
    """`heard` grows while the block runs."""

    heard: list[Published] = field(default_factory=list)
    _subscribed: asyncio.Event = field(default_factory=asyncio.Event)


@asynccontextmanager
async def fleet_recorder(port: int, *, root: str = "ocpp-gateway") -> AsyncIterator[Recorder]:
    """Connected and subscribed for the length of the block."""
    loop, recorder = asyncio.get_running_loop(), Recorder()
    client = Client(CallbackAPIVersion.VERSION2, client_id="recorder", protocol=MQTTProtocolVersion.MQTTv5)

    def came(client: Client, userdata: object, message: MQTTMessage) -> None:
        content_type = getattr(message.properties, "ContentType", None)
        published = Published(message.topic, message.payload, message.qos, message.retain, content_type)
        loop.call_soon_threadsafe(recorder.heard.append, published)

    def connected(client: Client, *rest: Any) -> None:
        client.subscribe(f"{root}/#", options=SubscribeOptions(qos=1, retainAsPublished=True))

    client.on_message, client.on_connect = came, connected
    client.on_subscribe = lambda *rest: loop.call_soon_threadsafe(recorder._subscribed.set)
    await asyncio.to_thread(client.connect, "127.0.0.1", port)
    client.loop_start()
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await recorder._subscribed.wait()
        yield recorder
    finally:
        client.disconnect()
        await asyncio.to_thread(client.loop_stop)
