"""The link with a broker that speaks MQTT 3.1.1 alone (NATS), and on the event loop of the daemon."""

from __future__ import annotations

import asyncio
import resource
import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import pytest
import uvloop

from gateway.model.links import LinkLost
from gateway.upstream.link import connect
from tests.fakes.certificate_maker import Authority
from tests.fakes.mosquitto import Tls, mosquitto
from tests.upstream.linking import (
    WILL,
    broker_at,
    heard,
    linked,
    other_side,
    until,
)

pytestmark = pytest.mark.slow

NATS = shutil.which("nats-server", path=f"{Path(sys.executable).parent}:/usr/sbin:/usr/bin")


@asynccontextmanager
async def nats(directory: Path, port: int) -> AsyncIterator[subprocess.Popen[bytes]]:
    """A NATS server that speaks MQTT on `port`; what it keeps is in `directory`."""
    process = spawned(directory, port)
    try:
        await until(lambda: listens(port), "NATS to listen")
        yield process
    finally:
        process.terminate()
        process.wait()


def spawned(directory: Path, port: int) -> subprocess.Popen[bytes]:
    """The child process."""
    assert NATS is not None
    directory.mkdir(exist_ok=True)
    configuration = directory / "nats.conf"
    configuration.write_text(
        f"""
server_name: alone
listen: 127.0.0.1:-1
jetstream {{ store_dir: "{directory}/kept" }}
mqtt {{ listen: "127.0.0.1:{port}", ack_wait: "1s" }}
"""
    )
    with (directory / "nats.log").open("ab") as log:
        return subprocess.Popen([NATS, "-c", str(configuration)], stdin=subprocess.DEVNULL, stdout=log, stderr=log)


def listens(port: int) -> bool:
    """Whether somebody accepts connections."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    """A port that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def test_a_broker_that_speaks_311_alone(tmp_path: Path) -> None:
    port = free_port()
    async with nats(tmp_path / "nats", port):
        async with other_side(port, "up/#", modern=False) as manager, linked(broker_at(port)) as link:
            assert (link.protocol, link.session_present, link.receive_max) == ("3.1.1", False, 20)
            await link.subscribe(["gw/dn/#"])
            for number in range(50):
                await link.publish("up/evt", b"%d" % number, content_type="a", expiry_seconds=1, correlation=b"c")
            assert [(await manager.next()).payload for _ in range(50)] == [b"%d" % number for number in range(50)]
        async with other_side(port, modern=False) as manager:
            await manager.publish("gw/dn/cmd", b"first")
            await manager.publish("gw/dn/cmd", b"second")
        async with linked(broker_at(port), protocol="3.1.1") as link:
            assert link.session_present
            first, _ = await heard(link, 2)
            assert (first.payload, first.expiry_seconds, first.response_topic) == (b"first", None, None)
            first.ack()
            await link.publish("up/evt", b"the acknowledgement is sent before")
    async with nats(tmp_path / "nats", port) as process, linked(broker_at(port)) as link:
        assert link.session_present
        (message,) = await heard(link, 1)
        assert message.payload == b"second"
        message.ack()
        process.kill()
        with pytest.raises(LinkLost):
            await heard(link, 1)


async def test_a_311_session_is_kept_by_a_broker_that_speaks_both(tmp_path: Path) -> None:
    async with mosquitto(tmp_path / "broker") as broker:
        async with linked(broker_at(broker.port), protocol="3.1.1") as link:
            assert link.protocol == "3.1.1"
            await link.subscribe(["gw/dn/#"])
        async with linked(broker_at(broker.port), protocol="3.1.1") as link:
            assert link.session_present


def test_the_link_on_the_event_loop_of_the_daemon(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "authority")
    pair = authority.issue("broker", names="IP:127.0.0.1")

    async def exchange() -> None:
        async with mosquitto(tmp_path / "broker", tls=Tls(pair.chain, pair.key)) as broker:
            known = broker_at(broker.port, tls=True, ca=authority.file)
            async with linked(known) as link:
                await link.subscribe(["up/#"])
                for number in range(15):
                    await link.publish("up/evt", b"%d" % number * 30_000)
                assert [message.payload[:1] for message in await heard(link, 10)] == [b"%d" % one for one in range(10)]
            lost = await connect(known, WILL)
            broker.kill()
            await lost.ended
            await broker.start()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop, debug=True) as runner:
        runner.run(exchange())


async def test_a_gateway_with_more_than_a_thousand_open_files(tmp_path: Path) -> None:
    # a loop over select(), as the MQTT library has one, cannot wait for a file with a number above 1023
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    try:
        with ExitStack() as kept:
            for _ in range(600):
                for one in socket.socketpair():
                    kept.enter_context(one)
            async with mosquitto(tmp_path / "broker") as broker, linked(broker_at(broker.port)) as link:
                await link.subscribe(["up/#"])
                await link.publish("up/evt", b"x")
                await heard(link, 1)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
