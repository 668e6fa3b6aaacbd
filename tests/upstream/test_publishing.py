"""What counts as sent, and how much may be on its way: against a real broker."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.model.links import LinkLost, NoRoom, PublishRefused, TooLarge
from gateway.upstream.link import Link, connect
from tests.fakes.mosquitto import mosquitto
from tests.upstream.linking import WILL, broker_at, linked, other_side, until

pytestmark = pytest.mark.slow


async def send_in_order(link: Link, topic: str, count: int) -> int:
    """Publish numbered messages as fast as there is room; the most that were on their way at once."""
    on_their_way: set[asyncio.Future[None]] = set()
    most = 0
    for number in range(count):
        while link.room() == 0:
            _, on_their_way = await asyncio.wait(on_their_way, return_when=asyncio.FIRST_COMPLETED)
        on_their_way.add(link.publish(topic, b"%d" % number))
        most = max(most, sum(not one.done() for one in on_their_way))
    await asyncio.gather(*on_their_way)
    return most


async def test_messages_arrive_in_order_and_once(tmp_path: Path) -> None:
    async with (
        mosquitto(tmp_path / "broker") as broker,
        other_side(broker.port, "up/#") as manager,
        linked(broker_at(broker.port)) as link,
    ):
        assert await send_in_order(link, "up/evt", 2000) == 20  # what this broker says that it bears
        arrived = [(await manager.next()).payload for _ in range(2000)]
        assert arrived == [b"%d" % number for number in range(2000)]
        assert manager.received.empty()


async def test_what_is_said_with_a_message_arrives(tmp_path: Path) -> None:
    async with (
        mosquitto(tmp_path / "broker") as broker,
        other_side(broker.port, "up/#") as manager,
        linked(broker_at(broker.port)) as link,
    ):
        await link.publish("up/res", b"{}", content_type="application/json", expiry_seconds=60, correlation=b"\x00c")
        await link.publish("up/live", b"1", qos=0)
        first, second = await manager.next(), await manager.next()
        assert first.properties is not None
        assert first.properties.ContentType == "application/json"
        assert first.properties.CorrelationData == b"\x00c"
        assert 0 < first.properties.MessageExpiryInterval <= 60
        assert (second.topic, second.payload) == ("up/live", b"1")


async def test_the_broker_keeps_what_is_retained(tmp_path: Path) -> None:
    async with mosquitto(tmp_path / "broker") as broker, linked(broker_at(broker.port)) as link:
        await link.publish("up/info", b"born", retain=True)
        async with other_side(broker.port, "up/#") as manager:
            seen = await manager.next()
        assert (seen.payload, seen.retain) == (b"born", True)


async def test_nothing_is_queued_while_there_is_no_link(tmp_path: Path) -> None:
    async with mosquitto(tmp_path / "broker") as broker:
        link = await connect(broker_at(broker.port), WILL)
        broker.kill()
        await link.ended
        assert link.room() == 0
        with pytest.raises(LinkLost):
            link.publish("up/evt", b"lost")
        with pytest.raises(LinkLost):
            link.publish("up/live", b"lost", qos=0)
        await broker.start()
        async with other_side(broker.port, "up/#") as manager, linked(broker_at(broker.port)) as again:
            await again.publish("up/evt", b"sent")
            assert (await manager.next()).payload == b"sent"
            assert manager.received.empty()


async def test_what_was_on_its_way_is_told_lost_and_not_sent_again(tmp_path: Path) -> None:
    async with mosquitto(tmp_path / "broker") as broker:
        link = await connect(broker_at(broker.port), WILL)
        broker.freeze()
        waiting = [link.publish("up/evt", b"%d" % number) for number in range(5)]
        await asyncio.sleep(0)
        broker.kill()
        for one in waiting:
            with pytest.raises(LinkLost):
                await one
        await broker.start()
        async with other_side(broker.port, "up/#") as manager, linked(broker_at(broker.port)) as again:
            await again.publish("up/evt", b"sent")
            assert (await manager.next()).payload == b"sent"
            assert manager.received.empty()


async def test_a_refused_message_does_not_count_as_sent(tmp_path: Path) -> None:
    acl = "topic readwrite up/#\n"
    async with mosquitto(tmp_path / "broker", acl=acl) as broker, linked(broker_at(broker.port)) as link:
        with pytest.raises(PublishRefused, match="not authorized"):
            await link.publish("forbidden", b"x")
        await link.publish("up/evt", b"x")
        assert link.room() == link.receive_max
        assert not link.ended.done()


async def test_a_broker_that_bears_one_at_a_time_gets_one_at_a_time(tmp_path: Path) -> None:
    extra = "max_inflight_messages 1"
    async with (
        mosquitto(tmp_path / "broker", extra=extra) as broker,
        other_side(broker.port, "up/#") as manager,
        linked(broker_at(broker.port)) as link,
    ):
        assert link.receive_max == 1
        first = link.publish("up/evt", b"first")
        assert link.room() == 0
        with pytest.raises(NoRoom):
            link.publish("up/evt", b"second")
        await first
        assert await send_in_order(link, "up/evt", 200) == 1
        assert [(await manager.next()).payload for _ in range(201)][-1] == b"199"
        assert not link.ended.done()


async def test_too_large_is_told_and_the_link_stays(tmp_path: Path) -> None:
    extra = "max_packet_size 1000"
    async with mosquitto(tmp_path / "broker", extra=extra) as broker, linked(broker_at(broker.port)) as link:
        assert link.max_packet_bytes == 1000
        # 3 bytes fixed header, topic 2 + 1, number 2, no properties 1: the packet has exactly 1000 bytes
        await link.publish("t", bytes(991))
        for payload, qos in ((bytes(992), 1), (bytes(994), 0)):
            with pytest.raises(TooLarge, match="1001 bytes; the broker takes 1000"):
                link.publish("t", payload, qos=qos)
        with pytest.raises(TooLarge):
            link.publish("t", bytes(991), content_type="a")
        await link.publish("t", b"small")
        assert not link.ended.done()


async def test_who_stops_waiting_does_not_make_room(tmp_path: Path) -> None:
    async with mosquitto(tmp_path / "broker") as broker, linked(broker_at(broker.port)) as link:
        broker.freeze()
        link.publish("up/evt", b"x").cancel()
        assert link.room() == link.receive_max - 1
        broker.thaw()
        await until(lambda: link.room() == link.receive_max, "the acknowledgement")


async def test_what_needs_no_acknowledgement_does_not_pile_up_either(tmp_path: Path) -> None:
    async with mosquitto(tmp_path / "broker") as broker, linked(broker_at(broker.port)) as link:
        broker.freeze()
        taken = 0
        with pytest.raises(NoRoom):
            while taken < 1000:
                link.publish("up/live", bytes(100_000), qos=0)
                taken += 1
                await asyncio.sleep(0)
        assert taken < 1000
        broker.thaw()
        await link.publish("up/evt", b"x")
        link.publish("up/live", b"x", qos=0)
