"""How a link ends, who hears of it, and what is left behind: nothing. Against a real broker."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
import threading
from pathlib import Path

import pytest

from gateway.model.links import LinkLost, Will
from gateway.upstream.link import connect
from tests.fakes.mosquitto import mosquitto
from tests.upstream.linking import (
    PATIENCE_SECONDS,
    WILL,
    broker_at,
    heard,
    linked,
    open_files,
    other_side,
)

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).parents[2]
# a gateway that does nothing but stay linked; its session ends a second after it, and so its will is not delayed longer
STAYS = """
import asyncio, sys
from tests.upstream.linking import broker_at, linked
async def stay():
    async with linked(broker_at(int(sys.argv[1])), session_expiry_seconds=1) as link:
        print("linked", flush=True)
        await link.ended
asyncio.run(stay())
"""


async def the_end(link_ended: asyncio.Future[LinkLost]) -> LinkLost:
    """Why a link ended, if it ends soon."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        return await link_ended


async def test_a_broker_that_is_killed_ends_the_link_at_once(tmp_path: Path) -> None:
    async with mosquitto(tmp_path / "broker") as broker:
        link = await connect(broker_at(broker.port), WILL)
        broker.kill()
        lost = await the_end(link.ended)
        assert (lost.reason, lost.taken_over) == ("the connection broke: the broker closed it", False)
        with pytest.raises(LinkLost):
            await link.subscribe(["gw/dn/#"])
        await link.close()
        await broker.start()


async def test_a_connection_that_is_half_open_is_noticed(tmp_path: Path) -> None:
    async with mosquitto(tmp_path / "broker") as broker:
        link = await connect(broker_at(broker.port), WILL, keepalive_seconds=2)
        waiting = link.publish("up/evt", b"x")
        await waiting
        broker.freeze()
        waiting = link.publish("up/evt", b"x")
        assert (await the_end(link.ended)).reason == "the broker gave no sign of life"
        with pytest.raises(LinkLost, match="no sign of life"):
            await waiting


async def test_the_kernel_gives_up_on_a_dead_peer_too(tmp_path: Path) -> None:
    async with mosquitto(tmp_path / "broker") as broker, linked(broker_at(broker.port), keepalive_seconds=30) as link:
        used = link.wire._socket
        assert used is not None
        assert used.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 30_000
        assert used.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert used.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 30


async def test_a_link_stays_when_nothing_is_said_for_long(tmp_path: Path) -> None:
    async with mosquitto(tmp_path / "broker") as broker, linked(broker_at(broker.port), keepalive_seconds=1) as link:
        done, _ = await asyncio.wait({link.ended}, timeout=3.5)
        assert not done
        assert "Received PINGREQ from gw" in broker.log_text()


async def test_the_loser_of_an_identity_that_is_used_twice_notices(tmp_path: Path) -> None:
    # this broker only closes the connection; one that says why is in test_odd_brokers.py
    async with mosquitto(tmp_path / "broker") as broker:
        first = await connect(broker_at(broker.port), WILL)
        async with linked(broker_at(broker.port)) as second:
            assert (await the_end(first.ended)).reason == "the connection broke: the broker closed it"
            await second.publish("up/evt", b"x")


async def test_a_session_taken_over_by_ourselves_loses_no_message(tmp_path: Path) -> None:
    async with mosquitto(tmp_path / "broker") as broker, other_side(broker.port) as manager:
        first = await connect(broker_at(broker.port), WILL)
        await first.subscribe(["gw/dn/#"])
        await manager.publish("gw/dn/cmd", b"not acknowledged")
        await heard(first, 1)
        async with linked(broker_at(broker.port)) as second:
            (message,) = await heard(second, 1)
            assert message.payload == b"not acknowledged"
            message.ack()


async def test_the_will_is_published_when_the_process_dies(tmp_path: Path) -> None:
    async with mosquitto(tmp_path / "broker") as broker, other_side(broker.port, "gw/up/state") as manager:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", STAYS, str(broker.port), cwd=PROJECT, stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout is not None
        assert await process.stdout.readline() == b"linked\n"
        process.send_signal(signal.SIGKILL)
        await process.communicate()
        seen = await manager.next()
        assert (seen.topic, seen.payload) == ("gw/up/state", b"gone")
    async with mosquitto(tmp_path / "broker") as broker, other_side(broker.port, "gw/up/state") as manager:
        assert (await manager.next()).retain


async def test_the_will_is_not_published_when_we_take_leave(tmp_path: Path) -> None:
    async with mosquitto(tmp_path / "broker") as broker, other_side(broker.port, "gw/#") as manager:
        async with linked(broker_at(broker.port), Will("gw/up/state", b"not said"), protocol="3.1.1"):
            pass  # 3.1.1 knows no delay
        link = await connect(broker_at(broker.port), Will("gw/up/state", b"gone"), protocol="3.1.1")
        link.wire.cut("a cable was pulled")
        assert (await manager.next()).payload == b"gone"


async def test_the_will_is_not_published_when_we_are_back_soon(tmp_path: Path) -> None:
    async with mosquitto(tmp_path / "broker") as broker, other_side(broker.port, "gw/#") as manager:
        link = await connect(broker_at(broker.port), WILL)
        link.wire.cut("a cable was pulled")
        async with linked(broker_at(broker.port)) as again:
            await again.publish("gw/up/evt", b"back")
            assert (await manager.next()).payload == b"back"
            assert manager.received.empty()


async def test_the_will_is_published_when_we_leave_with_it(tmp_path: Path) -> None:
    async with mosquitto(tmp_path / "broker") as broker, other_side(broker.port, "gw/up/state") as manager:
        link = await connect(broker_at(broker.port), Will("gw/up/state", b"5"), session_expiry_seconds=1)
        await link.close(will_publish=True)
        assert (await manager.next()).payload == b"5"
        link = await connect(broker_at(broker.port), Will("gw/up/state", b"3.1.1"), protocol="3.1.1")
        await link.close(will_publish=True)
        assert (await manager.next()).payload == b"3.1.1"


async def test_taking_leave_says_all_that_was_to_be_said_first(tmp_path: Path) -> None:
    async with mosquitto(tmp_path / "broker") as broker, other_side(broker.port, "up/#") as manager:
        link = await connect(broker_at(broker.port), WILL)
        last = link.publish("up/state", b"offline")
        await link.close()
        assert (await manager.next()).payload == b"offline"
        assert link.ended.result().reason == "we closed the connection"
        with pytest.raises(LinkLost):  # the broker had no time to acknowledge it
            await last


async def test_taking_leave_of_a_dead_broker_does_not_last(tmp_path: Path) -> None:
    async with mosquitto(tmp_path / "broker") as broker:
        link = await connect(broker_at(broker.port), WILL)
        broker.freeze()
        for _ in range(10):
            link.publish("up/live", bytes(900_000), qos=0)  # more than the kernel takes
        async with asyncio.timeout(10):
            await link.close()
        assert link.ended.done()


async def test_nothing_is_left_of_a_link(tmp_path: Path) -> None:
    async with mosquitto(tmp_path / "broker") as broker:
        await (await connect(broker_at(broker.port), WILL)).close()  # the loop keeps a thread that asks for names
        files, threads = open_files(), threading.active_count()
        for _ in range(5):
            link = await connect(broker_at(broker.port), WILL)
            assert threading.active_count() == threads
            ticking = link.wire._tick
            await link.close()
            assert ticking is not None and ticking.cancelled()
        link = await connect(broker_at(broker.port), WILL)
        broker.kill()
        await link.ended
        assert open_files() == files
        await broker.start()


async def test_a_wait_that_is_cancelled_does_not_harm_the_link(tmp_path: Path) -> None:
    async with mosquitto(tmp_path / "broker") as broker:
        async with linked(broker_at(broker.port)) as link:
            link.ended.cancel()
            await link.publish("up/evt", b"x")
            broker.kill()
            with pytest.raises(LinkLost):
                await heard(link, 1)
        await broker.start()
