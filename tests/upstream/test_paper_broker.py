"""The broker in memory does what a real one does with a link: each scene is played with both."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.model.links import LinkLost, NoRoom, NotLinked, PublishRefused, TooLarge, Will
from gateway.upstream.link import connect
from tests.fakes.mosquitto import Mosquitto
from tests.fakes.paper_broker import PaperBroker, matches
from tests.upstream.linking import broker_at, heard

BOTH = pytest.mark.parametrize("stage", ["paper", pytest.param("real", marks=pytest.mark.slow)], indirect=True)


class Stage:
    """One of the two brokers: how to connect to it, to kill it and to start it again."""

    def __init__(self, connect: Callable[..., Awaitable[Any]], kill: Callable[[], Any], start: Any, port: int) -> None:
        self._connect, self.kill, self._start, self._port = connect, kill, start, port

    async def link(self, name: str = "gw", will: Will | None = None, **terms: Any) -> Any:
        """A link of the client `name`."""
        return await self._connect(broker_at(self._port, client_id=name), will or Will(f"will/{name}", b""), **terms)

    @asynccontextmanager
    async def linked(self, name: str = "gw", **terms: Any) -> AsyncIterator[Any]:
        """A link for the length of a block."""
        link = await self.link(name, **terms)
        yield link
        await link.close()

    async def start(self) -> None:
        """Start it again."""
        done = self._start()
        if done is not None:
            await done


@pytest.fixture
async def stage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stage]:
    """The broker that the test names; `bound` is borne by both, and `forbidden` refused."""
    if request.param == "paper":
        paper = PaperBroker(latency_seconds=0.001, max_packet_bytes=2000, forbids=lambda topic: topic == "forbidden")
        yield Stage(paper.connect, paper.crash, paper.come_back, 1)
        return
    acl = "topic readwrite up/#\ntopic readwrite dn/#\ntopic readwrite will/#\n"
    real = Mosquitto(tmp_path / "broker", extra="max_packet_size 2000", acl=acl)
    await real.start()
    yield Stage(connect, real.kill, real.start, real.port)
    await real.stop()


@BOTH
async def test_what_is_published_arrives_in_order(stage: Stage) -> None:
    async with stage.linked("manager") as manager, stage.linked() as link:
        await manager.subscribe(["up/+/tx", "up/state"])
        for number in range(15):
            await link.publish("up/evt/tx", b"%d" % number, content_type="a", correlation=b"c")
        await link.publish("up/evt/ops", b"not asked for")
        await link.publish("up/state", b"born", retain=True)
        found = await heard(manager, 16)
        assert [message.payload for message in found] == [*(b"%d" % number for number in range(15)), b"born"]
        assert (found[0].content_type, found[0].correlation, found[-1].retain) == ("a", b"c", False)


@BOTH
async def test_bounds_and_refusals(stage: Stage) -> None:
    async with stage.linked() as link:
        with pytest.raises(TooLarge):
            link.publish("up/evt", bytes(2000))
        on_their_way = [link.publish("up/evt", b"x") for _ in range(20)]
        with pytest.raises(NoRoom):
            link.publish("up/evt", b"x")
        await asyncio.gather(*on_their_way)
        assert link.room() == 20
        with pytest.raises(PublishRefused, match="not authorized"):
            await link.publish("forbidden", b"x")


@BOTH
async def test_a_session_keeps_what_was_not_acknowledged_and_what_came_meanwhile(stage: Stage) -> None:
    async with stage.linked("manager") as manager:
        async with stage.linked() as link:
            assert not link.session_present
            await link.subscribe(["dn/#"])
            for number in range(3):
                await manager.publish("dn/cmd", b"%d" % number)
            first, second, _ = await heard(link, 3)
            second.ack()
            first.ack()
            await link.publish("up/evt", b"the acknowledgements arrive before this")
        await manager.publish("dn/cmd", b"3")
        await manager.publish("dn/cmd", b"expired", expiry_seconds=1)
        await manager.publish("dn/cmd", b"4", expiry_seconds=100)
        await asyncio.sleep(2.1)
        async with stage.linked() as link:
            assert link.session_present
            found = await heard(link, 3)
            assert [message.payload for message in found] == [b"2", b"3", b"4"]
            assert found[0].expiry_seconds is None and 90 < found[2].expiry_seconds < 100


@BOTH
async def test_retained_messages_come_with_a_subscription_until_taken_back(stage: Stage) -> None:
    async with stage.linked("manager") as manager, stage.linked() as link:
        await link.publish("up/rep/load", b"old", retain=True)
        await link.publish("up/rep/load", b"new", retain=True)
        await link.publish("up/rep/gone", b"x", retain=True)
        await link.publish("up/rep/gone", b"", retain=True)
        await manager.subscribe(["up/rep/#"])
        (message,) = await heard(manager, 1)
        assert (message.topic, message.payload, message.retain) == ("up/rep/load", b"new", True)
        await link.publish("up/rep/last", b"")
        assert [message.topic for message in await heard(manager, 1)] == ["up/rep/last"]


@BOTH
async def test_a_crash_ends_links_and_nobody_connects_until_it_is_back(stage: Stage) -> None:
    link = await stage.link()
    waiting = link.publish("up/evt", b"x")
    stage.kill()
    with pytest.raises(LinkLost):
        await waiting
    assert (await link.ended).reason == "the connection broke: the broker closed it"
    assert link.room() == 0
    with pytest.raises(LinkLost):
        link.publish("up/evt", b"x")
    with pytest.raises(NotLinked, match="connection refused"):
        await stage.link()
    await stage.start()
    async with stage.linked() as link:
        await link.publish("up/evt", b"x")


@BOTH
async def test_who_connects_under_the_same_name_takes_the_session(stage: Stage) -> None:
    first = await stage.link()
    await first.subscribe(["dn/#"])
    async with stage.linked() as second:
        await first.ended
        await second.publish("dn/cmd", b"x")
        assert len(await heard(second, 1)) == 1


@BOTH
async def test_the_will_is_published_unless_we_take_leave(stage: Stage) -> None:
    async with stage.linked("manager") as manager:
        await manager.subscribe(["will/#"])
        silent = await stage.link(will=Will("will/gw", b"not said"), session_expiry_seconds=1)
        await silent.close()
        link = await stage.link(will=Will("will/gw", b"said"), session_expiry_seconds=1)
        await link.close(will_publish=True)
        assert [message.payload for message in await heard(manager, 1)] == [b"said"]


def test_filters() -> None:
    assert matches("a/#", "a") and matches("a/#", "a/b/c") and matches("+/b", "a/b") and matches("#", "a")
    assert not matches("a/+", "a/b/c") and not matches("a", "a/b") and not matches("a/b", "a") and not matches("b", "a")
