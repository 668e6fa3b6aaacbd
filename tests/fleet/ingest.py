"""What a fleet runs behind a cluster: gateways publish MQTT, it consumes AMQP (RabbitMQ) or JetStream (NATS).

Both commit to a ledger first and acknowledge afterwards, the broker and then the gateway (`dn/ack`, from inside the
cluster, where a `/` of a topic is a `.`). They begin again when a node dies under them. They do not know the gateway.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress

import aio_pika
import nats
from aio_pika.abc import AbstractConnection, AbstractIncomingMessage
from aiormq.exceptions import AMQPError
from nats.errors import Error as NatsError
from nats.js.api import StreamConfig

from tests.fleet.consumer import arrival
from tests.fleet.ledger import Ledger

_MOST_AT_ONCE = 200
_AGAIN_SECONDS = 0.1
_QUIET_SECONDS = 10.0
_DEAD_SECONDS = 2.5 * _QUIET_SECONDS
_EXPECTED = (OSError, AMQPError, NatsError, TimeoutError, RuntimeError)  # RuntimeError: a closed channel
Acknowledge = Callable[[str, bytes], Awaitable[object]]
Sign = Callable[[], None]  # of life: it consumes


@asynccontextmanager
async def consuming_amqp(port: int, ledger: Ledger, root: str, *, queue: str) -> AsyncIterator[None]:
    """Consume the quorum queue of that name, bound to what gateways publish; returns from entering when it is bound."""
    async with _at_work(lambda sign: _amqp(port, ledger, root, queue, sign)):
        yield


@asynccontextmanager
async def consuming_jetstream(ports: Sequence[int], ledger: Ledger, root: str) -> AsyncIterator[None]:
    """Consume a stream of three replicas that holds what gateways publish; returns from entering when there is one."""
    async with _at_work(lambda sign: _jetstream(ports, ledger, root, sign)):
        yield


@asynccontextmanager
async def _at_work(consume: Callable[[Sign], Awaitable[None]]) -> AsyncIterator[None]:
    """Consume again whenever that ends, or gives no sign of life for so long as none of its steps may take."""
    bound, loop = asyncio.Event(), asyncio.get_running_loop()
    seen_at = loop.time()

    def sign() -> None:
        nonlocal seen_at
        seen_at = loop.time()
        bound.set()

    async def work() -> None:
        nonlocal seen_at
        while True:
            seen_at = loop.time()
            # a task of its own: cancelled once, the library may wait for ever for a connection that has ended
            attempt = asyncio.ensure_future(consume(sign))
            try:
                while not attempt.done() and loop.time() - seen_at < _DEAD_SECONDS:
                    await asyncio.wait({attempt}, timeout=1)
            finally:
                attempt.cancel()
                await asyncio.wait({attempt}, timeout=_QUIET_SECONDS)
            error = attempt.exception() if attempt.done() and not attempt.cancelled() else None
            if error is not None and not isinstance(error, _EXPECTED):
                raise error
            await asyncio.sleep(_AGAIN_SECONDS)

    working = asyncio.create_task(work())
    waiting = asyncio.create_task(bound.wait())
    try:
        await asyncio.wait({working, waiting}, timeout=60, return_when=asyncio.FIRST_COMPLETED)
        assert bound.is_set(), working
        yield
    finally:
        waiting.cancel()
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)


@asynccontextmanager
async def _amqp_connection(port: int) -> AsyncIterator[AbstractConnection]:
    """A connection that is neither begun nor ended without limit, whatever the broker does."""
    connection = await aio_pika.connect(f"amqp://guest:guest@127.0.0.1:{port}/?heartbeat=5", timeout=_QUIET_SECONDS)
    try:
        yield connection
    finally:
        async with asyncio.timeout(_QUIET_SECONDS):
            await connection.close()


async def _amqp(port: int, ledger: Ledger, root: str, name: str, sign: Sign) -> None:
    async with _amqp_connection(port) as connection:
        arrived: asyncio.Queue[AbstractIncomingMessage | None] = asyncio.Queue()
        async with asyncio.timeout(_QUIET_SECONDS):  # a queue without a leader may not answer for minutes
            channel = await connection.channel()
            await channel.set_qos(_MOST_AT_ONCE)
            topics = await channel.get_exchange("amq.topic")
            queue = await channel.declare_queue(name, durable=True, arguments={"x-queue-type": "quorum"})
            await queue.bind(topics, f"{root}.v1.*.up.evt.#")
            channel.close_callbacks.add(lambda *_: arrived.put_nowait(None))
            await queue.consume(arrived.put)
        sign()

        async def acknowledge(topic: str, payload: bytes) -> None:
            message = aio_pika.Message(payload, delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
            await topics.publish(message, topic, timeout=_QUIET_SECONDS)

        # a queue may forget its consumer when its leader dies: after silence, begin again
        while (first := await asyncio.wait_for(arrived.get(), _QUIET_SECONDS)) is not None:
            sign()
            batch = [first, *_waiting(arrived)]
            due = ledger.take(arrival((message.routing_key or "").split("."), message.body) for message in batch)
            async with asyncio.timeout(_QUIET_SECONDS):  # the library waits for ever on a connection that just ended
                await batch[-1].ack(multiple=True)
                await _acknowledge(due, root, acknowledge)


def _waiting(arrived: asyncio.Queue[AbstractIncomingMessage | None]) -> list[AbstractIncomingMessage]:
    taken = []
    while not arrived.empty():
        if (message := arrived.get_nowait()) is not None:
            taken.append(message)
        else:
            arrived.put_nowait(None)  # the channel is closed: for the next look
            break
    return taken


async def _jetstream(ports: Sequence[int], ledger: Ledger, root: str, sign: Sign) -> None:
    client = await nats.connect(
        [f"nats://127.0.0.1:{port}" for port in ports], dont_randomize=True, max_reconnect_attempts=-1
    )
    try:
        jetstream = client.jetstream()
        subject = f"{root}.v1.*.up.evt.>"
        await jetstream.add_stream(StreamConfig(name="fleet", subjects=[subject], num_replicas=len(ports)))
        subscription = await jetstream.pull_subscribe(subject, durable="ingest", stream="fleet")
        while True:
            sign()
            with suppress(TimeoutError):
                batch = await subscription.fetch(_MOST_AT_ONCE, timeout=1)
                due = ledger.take(arrival(message.subject.split("."), message.data) for message in batch)
                for message in batch:
                    await message.ack()
                await _acknowledge(due, root, client.publish)
    finally:
        await client.close()


async def _acknowledge(due: dict[str, list[dict[str, object]]], root: str, acknowledge: Acknowledge) -> None:
    for gateway, acknowledgements in due.items():
        for acknowledgement in acknowledgements:
            await acknowledge(f"{root}.v1.{gateway}.dn.ack", json.dumps(acknowledgement).encode())
