"""The fleet manager's consumer of `fleet_consumer`, on a broker in memory: in virtual time.

It connects again by itself, subscribes, and waits for room where the link has none. What it does with events is
`FleetConsumer`'s.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from gateway.model.links import Broker, LinkLost, NotLinked
from tests.fakes.fleet_consumer import FleetConsumer
from tests.fakes.paper_broker import PaperBroker, PaperLink

_AGAIN_SECONDS = 5.0


class _Client:
    """What `FleetConsumer` publishes with."""

    def __init__(self) -> None:
        self.link: PaperLink | None = None
        self._waiting: deque[tuple[str, bytes, bool, int | None]] = deque()

    def publish(self, topic: str, payload: bytes, qos: int = 1, retain: bool = False, properties: Any = None) -> None:
        """Publish now or when there is room."""
        self._waiting.append((topic, payload, retain, getattr(properties, "MessageExpiryInterval", None)))
        self.send_on()

    def send_on(self) -> None:
        """Publish what waits, as far as there is room."""
        while self._waiting and self.link is not None and self.link.room():
            topic, payload, retain, expiry = self._waiting.popleft()
            done = self.link.publish(topic, payload, retain=retain, expiry_seconds=expiry)
            done.add_done_callback(lambda done: self.send_on() if done.exception() is None else None)


@asynccontextmanager
async def paper_consumer(
    broker: PaperBroker, *, gateway: str = "test-site", **options: Any
) -> AsyncIterator[FleetConsumer]:
    """A consumer for the length of the block; its session stays in the broker."""
    client = _Client()
    consumer = FleetConsumer(
        f"ocpp-gateway/v1/{gateway}",
        client,
        asyncio.get_running_loop(),
        **options,  # type: ignore[arg-type]
    )
    subscribed = asyncio.Event()

    async def consume() -> None:
        while True:
            with suppress(NotLinked, LinkLost):
                link = client.link = await broker.connect(known)
                await link.subscribe([f"{consumer.base}/up/#"])
                subscribed.set()
                client.send_on()
                async for message in link.messages():
                    consumer._arrived(message.topic, message.payload)
                    message.ack()
            client.link = None
            await broker.up.wait()
            await asyncio.sleep(_AGAIN_SECONDS)

    known = Broker("paper", 1, False, None, None, None, None, None, "consumer")
    consuming = asyncio.create_task(consume())
    await subscribed.wait()
    try:
        yield consumer
    finally:
        consuming.cancel()
        with suppress(asyncio.CancelledError):
            await consuming
        if client.link is not None:
            await client.link.close()
