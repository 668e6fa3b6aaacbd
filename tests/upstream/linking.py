"""What the tests of the link share: where the broker is, a link for the length of a block, and the other side.

The other side is the MQTT library used plainly, with its own thread and its own reconnecting: none of the gateway's
code. It decides nothing about the link.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from gateway.model.links import Broker, Message, Will
from gateway.upstream.link import Link, connect

PATIENCE_SECONDS = 20.0
WILL = Will("gw/up/state", b"gone")


def broker_at(port: int, **changes: Any) -> Broker:
    """A broker on loopback, greeted as `gw` without TLS and without a password, unless changed."""
    usual: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": port,
        "tls": False,
        "ca": None,
        "chain": None,
        "key_file": None,
        "username": None,
        "password_file": None,
        "client_id": "gw",
    }
    return Broker(**(usual | changes))


@asynccontextmanager
async def linked(broker: Broker, will: Will = WILL, **terms: Any) -> AsyncIterator[Link]:
    """A link that is closed at the end of the block."""
    link = await connect(broker, will, **terms)
    try:
        yield link
    finally:
        await link.close()


async def heard(link: Link, count: int) -> list[Message]:
    """The next messages of a link, not acknowledged."""
    found: list[Message] = []
    async with asyncio.timeout(PATIENCE_SECONDS):
        async for message in link.messages():
            found.append(message)
            if len(found) == count:
                break
    return found


async def until(condition: Callable[[], bool], what: str) -> None:
    """Wait for something that nobody tells."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                if condition():
                    return
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"waited in vain for {what}") from None


@dataclass(frozen=True, slots=True)
class Seen:
    """A message as the other side got it."""

    topic: str
    payload: bytes
    retain: bool
    properties: Properties | None


class OtherSide:
    """A fleet manager's client: what it received so far, and a way to publish."""

    def __init__(self, client: Client) -> None:
        self.received: asyncio.Queue[Seen] = asyncio.Queue()
        self._client = client
        self._loop = asyncio.get_running_loop()
        self._ready = asyncio.Event()
        client.on_message = self._take
        client.on_subscribe = lambda *_: self._loop.call_soon_threadsafe(self._ready.set)

    async def subscribed(self, topics: str) -> None:
        """Subscribe, and wait until the broker has granted it."""
        self._client.subscribe(topics, qos=1)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self._ready.wait()

    async def next(self) -> Seen:
        """The next message."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self.received.get()

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False, **properties: object) -> None:
        """At QoS 1, done when the broker has acknowledged."""
        told = Properties(PacketTypes.PUBLISH) if properties else None
        for name, value in properties.items():
            setattr(told, name, value)
        info = self._client.publish(topic, payload, qos=1, retain=retain, properties=told)
        await asyncio.to_thread(info.wait_for_publish, PATIENCE_SECONDS)

    def _take(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        seen = Seen(message.topic, bytes(message.payload), message.retain, message.properties)
        self._loop.call_soon_threadsafe(self.received.put_nowait, seen)


@asynccontextmanager
async def other_side(port: int, topics: str = "", *, modern: bool = True) -> AsyncIterator[OtherSide]:
    """A client of another program, subscribed to `topics`."""
    client = Client(
        CallbackAPIVersion.VERSION2,
        client_id="other",
        protocol=MQTTProtocolVersion.MQTTv5 if modern else MQTTProtocolVersion.MQTTv311,
    )
    side = OtherSide(client)
    await asyncio.to_thread(client.connect, "127.0.0.1", port)
    client.loop_start()
    try:
        if topics:
            await side.subscribed(topics)
        yield side
    finally:
        client.disconnect()
        await asyncio.to_thread(client.loop_stop)


def open_files() -> int:
    """How many file descriptors this process has."""
    return len(list(Path("/proc/self/fd").iterdir()))
