"""What comes from the broker, and when it may forget it: against a real broker."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.model.links import LinkLost
from tests.fakes.mosquitto import mosquitto
from tests.upstream.linking import broker_at, heard, linked, other_side, until

pytestmark = pytest.mark.slow


async def test_what_was_not_acknowledged_comes_again(tmp_path: Path) -> None:
    async with mosquitto(tmp_path / "broker") as broker, other_side(broker.port) as manager:
        async with linked(broker_at(broker.port)) as link:
            await link.subscribe(["gw/dn/#"])
            for number in range(4):
                await manager.publish("gw/dn/cmd", b"%d" % number)
            first, second, *_ = await heard(link, 4)
            first.ack()
            second.ack()
        async with linked(broker_at(broker.port)) as link:
            assert link.session_present
            assert [message.payload for message in await heard(link, 2)] == [b"2", b"3"]


async def test_acknowledgements_are_sent_in_the_order_of_arrival(tmp_path: Path) -> None:
    async with (
        mosquitto(tmp_path / "broker") as broker,
        other_side(broker.port) as manager,
        linked(broker_at(broker.port)) as link,
    ):
        await link.subscribe(["gw/dn/#"])
        for number in range(3):
            await manager.publish("gw/dn/cmd", b"%d" % number)
        first, second, third = await heard(link, 3)
        third.ack()
        second.ack()
        await link.publish("up/evt", b"the acknowledgements would have been sent before")
        assert "Received PUBACK" not in broker.log_text()
        first.ack()
        await until(lambda: broker.log_text().count("Received PUBACK") == 3, "three acknowledgements")
        numbers = [line.split("Mid: ")[1] for line in broker.log_text().splitlines() if "Received PUBACK" in line]
        assert numbers == sorted(numbers)


async def test_acknowledging_twice_or_too_late_does_nothing(tmp_path: Path) -> None:
    async with mosquitto(tmp_path / "broker") as broker, other_side(broker.port) as manager:
        async with linked(broker_at(broker.port)) as link:
            await link.subscribe(["gw/dn/#"])
            for number in range(2):
                await manager.publish("gw/dn/cmd", b"%d" % number)
            first, second = await heard(link, 2)
            first.ack()
            first.ack()
        second.ack()
        async with linked(broker_at(broker.port)) as link:
            assert [message.payload for message in await heard(link, 1)] == [b"1"]
        assert broker.log_text().count("Received PUBACK") == 1


async def test_the_queue_of_the_broker_survives_our_restart_and_its_own(tmp_path: Path) -> None:
    async with mosquitto(tmp_path / "broker") as broker:
        async with linked(broker_at(broker.port)) as link:
            assert not link.session_present
            await link.subscribe(["gw/dn/#"])
        async with other_side(broker.port) as manager:
            await manager.publish("gw/dn/cmd", b"while we were away")
        await broker.save()
        broker.kill()
        await broker.start()
        async with linked(broker_at(broker.port)) as link:
            assert link.session_present
            (message,) = await heard(link, 1)
            assert message.payload == b"while we were away"
            message.ack()


async def test_a_session_that_has_expired_is_told(tmp_path: Path) -> None:
    async with mosquitto(tmp_path / "broker") as broker:
        async with linked(broker_at(broker.port), session_expiry_seconds=0):
            pass
        async with linked(broker_at(broker.port)) as link:
            assert not link.session_present


async def test_what_the_manager_says_with_a_message_is_told(tmp_path: Path) -> None:
    async with mosquitto(tmp_path / "broker") as broker, other_side(broker.port) as manager:
        async with linked(broker_at(broker.port)) as link:
            await link.subscribe(["gw/dn/#"])
        said = {"ResponseTopic": "gw/up/res", "CorrelationData": b"\x01", "ContentType": "application/json"}
        await manager.publish("gw/dn/cmd", b"{}", MessageExpiryInterval=100, **said)
        await manager.publish("gw/dn/cmd", b"{}", MessageExpiryInterval=1)
        await manager.publish("gw/dn/cmd", b"plain")
        await asyncio.sleep(2.1)  # time of the broker
        async with linked(broker_at(broker.port)) as link:
            first, second = await heard(link, 2)
        assert first.expiry_seconds is not None and 90 <= first.expiry_seconds < 100  # what is left of it
        assert (first.response_topic, first.correlation) == ("gw/up/res", b"\x01")
        assert (first.content_type, first.retain) == ("application/json", False)
        assert (second.payload, second.expiry_seconds, second.response_topic) == (b"plain", None, None)


async def test_documents_that_are_retained_come_with_each_subscription(tmp_path: Path) -> None:
    async with mosquitto(tmp_path / "broker") as broker, other_side(broker.port) as manager:
        await manager.publish("gw/dn/des/load", b"7", retain=True)
        for _ in range(2):
            async with linked(broker_at(broker.port)) as link:
                await link.subscribe(["gw/dn/#"])
                (message,) = await heard(link, 1)
                assert (message.payload, message.retain) == (b"7", True)
                message.ack()


async def test_no_more_than_32_wait_for_our_acknowledgement(tmp_path: Path) -> None:
    extra = "max_inflight_messages 0"
    async with (
        mosquitto(tmp_path / "broker", extra=extra) as broker,
        other_side(broker.port) as manager,
        linked(broker_at(broker.port)) as link,
    ):
        await link.subscribe(["gw/dn/#"])
        for number in range(40):
            await manager.publish("gw/dn/cmd", b"%d" % number)
        found = await heard(link, 32)
        await link.publish("up/evt", b"")  # the answer comes after all that was sent before
        assert broker.log_text().count("Sending PUBLISH to gw") == 32
        for message in found:
            message.ack()
        assert [message.payload for message in await heard(link, 8)] == [b"%d" % number for number in range(32, 40)]


async def test_messages_end_with_the_reason(tmp_path: Path) -> None:
    async with mosquitto(tmp_path / "broker") as broker, linked(broker_at(broker.port)) as link:
        await broker.stop()
        with pytest.raises(LinkLost, match="the broker closed it"):
            await heard(link, 1)
        await broker.start()
