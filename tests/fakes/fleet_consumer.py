"""A fleet manager's consumer for tests: plain paho, events by id in memory, the acknowledgements of the contract.

Independent of the gateway: it knows the topics and the envelope, nothing else. It can be told not to acknowledge, to
lose what it has, and to give commands. It runs in the test's loop; paho's thread only hands over.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

PATIENCE_SECONDS = 15.0
Document = dict[str, Any]


@dataclass
class FleetConsumer:
    """What one consumer has and does. `events`: by id, in the order in which they were stored."""

    base: str
    client: Client
    loop: asyncio.AbstractEventLoop
    events: dict[str, Document] = field(default_factory=dict)
    upto: dict[tuple[str, str], int] = field(default_factory=dict)  # by (epoch, stream)
    duplicates: int = 0
    out_of_order: int = 0
    said: dict[str, list[Document]] = field(default_factory=lambda: defaultdict(list))  # all but events, by suffix
    raw: list[tuple[str, bytes]] = field(default_factory=list)  # everything that came
    acknowledging: bool = True
    batch: bool = False
    flow: float | None = None
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _connected: asyncio.Event = field(default_factory=asyncio.Event)

    def of_type(self, name: str) -> list[Document]:
        """The stored events of a type, named without its ends."""
        return [event for event in self.events.values() if event["type"] == f"ocpp-gateway.{name}.v1"]

    def stream(self, stream: str, epoch: str | None = None) -> list[Document]:
        """The stored events of a stream."""
        return [e for e in self.events.values() if e["stream"] == stream and epoch in (None, e["epoch"])]

    async def until(self, condition: Callable[[], bool], what: str = "it") -> None:
        """Wait until something holds that changes only with what comes."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not condition():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(
                f"{what} did not come about; stored {len(self.events)}, said {dict(self.said)}"
            ) from None

    def command(self, document: Document, *, expiry_seconds: int | None = None) -> None:
        """Give a command."""
        properties = Properties(PacketTypes.PUBLISH)
        if expiry_seconds is not None:
            properties.MessageExpiryInterval = expiry_seconds
        self.publish("cmd", document, properties=properties)

    def publish(
        self, suffix: str, document: Document | None, *, retain: bool = False, properties: Properties | None = None
    ) -> None:
        """Publish on `dn/{suffix}`."""
        payload = b"" if document is None else json.dumps(document).encode()
        self.client.publish(f"{self.base}/dn/{suffix}", payload, qos=1, retain=retain, properties=properties)

    async def result_of(self, command_id: str) -> Document:
        """The final result of a command."""
        unfinished = ("accepted", "running")
        found: list[Document] = []

        def there() -> bool:
            found[:] = [r for r in self.said["res"] if r.get("id") == command_id and r["status"] not in unfinished]
            return bool(found)

        await self.until(there, f"the result of {command_id}")
        return found[-1]

    def acknowledge(self, epoch: str, stream: str, *, gap: bool = False) -> None:
        """Say how far the stream is stored."""
        document: Document = {"epoch": epoch, "stream": stream, "upto": self.upto.get((epoch, stream), 0)}
        if gap:
            document["gap"] = True
        if self.batch:
            document["batch"] = True
        if self.flow is not None:
            document["flow"] = {"max_events_per_s": self.flow}
        self.publish("ack", document)

    async def leave(self) -> None:
        """Be away; the broker keeps what comes meanwhile."""
        self.client.disconnect()
        await asyncio.to_thread(self.client.loop_stop)
        self.client._reset_sockets()  # the library leaves them to the garbage

    async def come_back(self) -> None:
        """Be there again, with the session of before where the broker still has it."""
        self._connected.clear()
        await asyncio.to_thread(self.client.reconnect)
        self.client.loop_start()
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self._connected.wait()

    def forget(self, stream: str, *, beyond: int) -> None:
        """Be restored from an older copy: what came after it is lost."""
        self.events = {
            id: event for id, event in self.events.items() if event["stream"] != stream or event["sequence"] <= beyond
        }
        for epoch, one in self.upto:
            if one == stream:
                self.upto[epoch, one] = min(self.upto[epoch, one], beyond)

    def _arrived(self, topic: str, payload: bytes) -> None:
        self.raw.append((topic, payload))
        suffix = topic.removeprefix(f"{self.base}/up/")
        if suffix.startswith("evt/"):
            document = json.loads(payload)
            for event in document if isinstance(document, list) else [document]:
                self._store(event)
        elif payload:
            self.said[suffix].append(json.loads(payload))
        self._changed.set()

    def _store(self, event: Document) -> None:
        epoch, stream, sequence = event["epoch"], event["stream"], event["sequence"]
        place = (epoch, stream)
        upto = self.upto.get(place)
        if upto is None:
            upto = self._first_of(epoch, stream)
        before = event.get("after", sequence - 1)
        if sequence <= upto:
            assert self.events.get(event["id"], event) == event, "a repeat with other content"
            self.duplicates += 1
        elif before <= upto:
            self.events[event["id"]] = event
            self.upto[place] = sequence
        else:
            self.out_of_order += 1
            if self.acknowledging:
                self.acknowledge(epoch, stream, gap=True)
            return
        if self.acknowledging:
            self.acknowledge(epoch, stream)

    def _first_of(self, epoch: str, stream: str) -> int:
        """Before which sequence a new epoch begins, as its birth certificate says."""
        known = [info for info in self.said["info"] if info["epoch"] == epoch]
        first = known[-1]["streams"][stream]["oldest"] - 1 if known else 0
        self.upto[epoch, stream] = first
        return int(first)


@asynccontextmanager
async def fleet_consumer(
    port: int,
    *,
    gateway: str = "test-site",
    root: str = "ocpp-gateway",
    client_id: str = "consumer",
    modern: bool = True,
    **options: Any,
) -> AsyncIterator[FleetConsumer]:
    """A consumer that is connected and subscribed for the length of the block; its session stays in the broker.

    `modern`: MQTT 5; otherwise 3.1.1.
    """
    loop = asyncio.get_running_loop()
    client = Client(
        CallbackAPIVersion.VERSION2,
        client_id=client_id,
        clean_session=None if modern else False,
        protocol=MQTTProtocolVersion.MQTTv5 if modern else MQTTProtocolVersion.MQTTv311,
    )
    consumer = FleetConsumer(f"{root}/v1/{gateway}", client, loop, **options)

    def hand_over(client: Client, userdata: object, message: MQTTMessage) -> None:
        loop.call_soon_threadsafe(consumer._arrived, message.topic, message.payload)

    def subscribed(*arguments: object) -> None:
        loop.call_soon_threadsafe(consumer._connected.set)

    def connected(client: Client, *arguments: object) -> None:
        client.subscribe(f"{consumer.base}/up/#", qos=1)

    client.on_message = hand_over
    client.on_connect = connected
    client.on_subscribe = subscribed
    client.reconnect_delay_set(1, 1)
    terms: dict[str, Any] = {}
    if modern:
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = 3600
        terms = {"clean_start": False, "properties": properties}
    await asyncio.to_thread(client.connect, "127.0.0.1", port, **terms)
    client.loop_start()
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await consumer._connected.wait()
        yield consumer
    finally:
        await consumer.leave()
