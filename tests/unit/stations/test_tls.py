"""The TLS door on both event loops: handshakes that fail, are cut off, are too slow or too many; data right behind."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import uvloop
from websockets.asyncio.client import connect

from gateway.model.identities import StationId
from gateway.model.instants import Instant
from gateway.model.treatment import Treatment
from gateway.ocpp.frame import Call
from gateway.stations import tls
from gateway.stations.bounds import Bounds
from gateway.stations.connected import Connected
from gateway.stations.connection import StationConnection
from gateway.stations.server import Door, Knock, Welcome, serve_stations
from gateway.stations.tls import HandshakeFailure, TlsDoor, make_context
from tests.fakes.certificate_maker import Authority, self_signed

pytestmark = pytest.mark.slow

LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority") / "root")


@pytest.fixture(scope="module")
def context(authority: Authority) -> ssl.SSLContext:
    pairs = [(pair.chain, pair.key) for pair in authority.server_pairs()]
    return make_context(pairs, authorities=authority.file.read_text(), cipher_set="modern")


@dataclass
class Played:
    """An open TLS door that lets everybody in and echoes."""

    port: int = 0
    context: ssl.SSLContext | None = None
    knocks: list[Knock] = field(default_factory=list)
    connections: list[StationConnection] = field(default_factory=list)
    failures: asyncio.Queue[HandshakeFailure] = field(default_factory=asyncio.Queue)

    async def failure(self) -> str:
        async with asyncio.timeout(5):
            failure = await self.failures.get()
        assert failure.address == "127.0.0.1"
        return failure.reason


@asynccontextmanager
async def opened(context: ssl.SSLContext | None, *, handshake_seconds: float = 5) -> AsyncIterator[Played]:
    played = Played(context=context)

    async def admit(knock: Knock) -> Welcome:
        played.knocks.append(knock)
        return Welcome(StationId(knock.identity), Treatment())

    def answer(connection: StationConnection, call: Call) -> None:
        connection.reply(call, b'[3,"1",%d]' % len(bytes(call.payload)))

    door = Door(
        admit=admit, answer=answer, arrived=played.connections.append, left=lambda _: None,
        new_id=lambda: "id", wall_clock=lambda: Instant(0),
    )  # fmt: skip

    async def current() -> ssl.SSLContext | None:
        return played.context

    secure = TlsDoor(current, played.failures.put_nowait, handshake_seconds=handshake_seconds)
    async with serve_stations(
        host="127.0.0.1", port=0, door=door, connected=Connected(), bounds=Bounds(1_000_000, 8), tls=secure
    ) as port:
        played.port = port
        yield played


@pytest.fixture(params=LOOPS)
def run(request: pytest.FixtureRequest) -> Callable[[Awaitable[None]], None]:
    def runs(main: Awaitable[None]) -> None:
        async def bounded() -> None:
            async with asyncio.timeout(30):
                await main

        with asyncio.Runner(loop_factory=LOOPS[request.param]) as runner:
            runner.run(bounded())

    return runs


Run = Callable[[Awaitable[None]], None]


def test_a_station_talks_and_what_it_showed_is_known(run: Run, authority: Authority, context: ssl.SSLContext) -> None:
    shown = authority.issue("CP-1", organization="Fleet", file="talks")

    async def main() -> None:
        async with opened(context) as door:
            url = f"wss://127.0.0.1:{door.port}/ocpp/CP-1"
            async with connect(url, ssl=authority.client_context(shown), subprotocols=["ocpp1.6"]) as socket:  # type: ignore[list-item]
                await socket.send('[2,"1","Heartbeat",{}]')
                assert await socket.recv() == '[3,"1",2]'
                large = "x" * 300_000  # many TLS records, one frame
                await socket.send(f'[2,"1","DataTransfer",{{"vendorId":"v","data":"{large}"}}]')
                assert str(await socket.recv()).startswith('[3,"1",3000')
            (knock,) = door.knocks
            assert knock.encrypted and knock.certificate is not None
            assert (knock.certificate.common_name, knock.certificate.organizations) == ("CP-1", ("Fleet",))
            assert len(knock.certificate.fingerprint) == 64 and knock.certificate.issuer == "Test Root"
            assert door.failures.empty()

    run(main())


def test_the_first_words_may_come_with_the_end_of_the_handshake(
    run: Run, authority: Authority, context: ssl.SSLContext
) -> None:
    """One write holds the station's last handshake message and its HTTP request."""

    async def main() -> None:
        async with opened(context) as door:
            reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            client = authority.client_context().wrap_bio(incoming, outgoing, server_hostname="localhost")
            while True:
                try:
                    client.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    writer.write(outgoing.read())
                    incoming.write(await reader.read(65536))
            client.write(
                b"GET /ocpp/CP-1 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n"
                b"Sec-WebSocket-Protocol: ocpp1.6\r\n\r\n"
            )
            writer.write(outgoing.read())
            answered = b""
            while b"\r\n\r\n" not in answered:
                incoming.write(await reader.read(65536))
                try:
                    answered += client.read(65536)
                except ssl.SSLWantReadError:
                    continue
            assert answered.startswith(b"HTTP/1.1 101")
            writer.close()

    run(main())


def test_each_failure_is_told_with_its_reason(
    run: Run, authority: Authority, context: ssl.SSLContext, tmp_path: Path
) -> None:
    async def main() -> None:
        async with opened(context, handshake_seconds=0.3) as door:

            async def says(data: bytes) -> str:
                reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
                writer.write(data)
                reason = await door.failure()
                assert await reader.read() is not None
                writer.close()
                return reason

            async def leaves(data: bytes) -> str:
                _, writer = await asyncio.open_connection("127.0.0.1", door.port)
                writer.write(data)
                writer.close()
                return await door.failure()

            assert await says(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n") == "HTTP_REQUEST"
            assert await says(b"\x00" * 400) == "WRONG_VERSION_NUMBER"
            assert await says(b"") == "too slow"
            assert await says(b"\x16\x03\x01\x02") == "too slow"
            assert await leaves(b"") == "hung up"
            assert await leaves(b"\x16\x03\x01\x02") == "hung up"
            client = await asyncio.create_subprocess_exec(
                *("openssl", "s_client", "-connect", f"127.0.0.1:{door.port}", "-verify_return_error", "-no-CApath"),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            assert await door.failure() == "TLSV1_ALERT_UNKNOWN_CA"
            await client.wait()
            alone = authority.client_context(self_signed(tmp_path, "CP-1"))
            _, writer = await asyncio.open_connection("127.0.0.1", door.port, ssl=alone, server_hostname="localhost")
            assert await door.failure() == "CERTIFICATE_VERIFY_FAILED"
            writer.close()

    run(main())


def test_without_a_certificate_nobody_is_served_until_there_is_one(
    run: Run, authority: Authority, context: ssl.SSLContext
) -> None:
    async def main() -> None:
        async with opened(None) as door:
            reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
            assert await door.failure() == "no certificate"
            assert await reader.read() == b""
            writer.close()
            door.context = context
            url = f"wss://127.0.0.1:{door.port}/ocpp/CP-1"
            async with connect(url, ssl=authority.client_context(), subprotocols=["ocpp1.6"]):  # type: ignore[list-item]
                pass

    run(main())


def test_of_one_address_only_so_many_wait(
    run: Run, authority: Authority, context: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls, "_MOST_WAITING_OF_ONE_ADDRESS", 3)

    async def main() -> None:
        async with opened(context) as door:
            idle = [await asyncio.open_connection("127.0.0.1", door.port) for _ in range(5)]
            assert [await door.failure() for _ in range(2)] == ["too many at once"] * 2
            for _, writer in idle:
                writer.close()

    run(main())


def test_what_failed_keeps_its_place_for_a_while(
    run: Run, context: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A peer that fails again and again must not spend our time on handshakes without a pause."""
    monkeypatch.setattr(tls, "_MOST_AT_ONCE_OF_ONE_ADDRESS", 2)
    monkeypatch.setattr(tls, "_PENALTY_SECONDS", 0.2)

    async def main() -> None:
        async with opened(context) as door:
            begin = asyncio.get_running_loop().time()
            for _ in range(6):
                _, writer = await asyncio.open_connection("127.0.0.1", door.port)
                writer.write(b"GET / HTTP/1.1\r\n\r\n")
                assert await door.failure() == "HTTP_REQUEST"
                writer.close()
            assert asyncio.get_running_loop().time() - begin > 0.38

    run(main())


def test_all_stations_of_a_site_come_back_at_once_through_one_router(
    run: Run, authority: Authority, context: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls, "_MOST_AT_ONCE_OF_ONE_ADDRESS", 4)
    client = authority.client_context()

    async def main() -> None:
        async with opened(context) as door:

            async def comes(number: int) -> None:
                url = f"wss://127.0.0.1:{door.port}/ocpp/CP-{number}"
                async with connect(url, ssl=client, subprotocols=["ocpp1.6"]):  # type: ignore[list-item]
                    pass

            await asyncio.gather(*(comes(number) for number in range(60)))
            assert len(door.connections) == 60 and door.failures.empty()

    run(main())


def test_the_door_closes_in_the_middle_of_handshakes(run: Run, context: ssl.SSLContext) -> None:
    async def main() -> None:
        async with opened(context):
            pass
        async with opened(context) as door:
            reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
            writer.write(b"\x16\x03\x01\x02")
            _, second = await asyncio.open_connection("127.0.0.1", door.port)
            second.write(b"GET / HTTP/1.1\r\n\r\n")
            assert await door.failure() == "HTTP_REQUEST"  # so the first one has begun, too
        async with asyncio.timeout(5):
            try:
                assert await reader.read() == b""
            except ConnectionResetError:
                pass
        writer.close()
        second.close()

    run(main())


def test_a_slow_reader_over_tls_is_not_read_either(run: Run, authority: Authority, context: ssl.SSLContext) -> None:
    async def main() -> None:
        async with opened(context) as door:
            url = f"wss://127.0.0.1:{door.port}/ocpp/CP-1"
            async with connect(
                url,
                ssl=authority.client_context(),
                subprotocols=["ocpp1.6"],
                max_queue=1,
                ping_interval=None,  # type: ignore[list-item]
            ) as socket:
                data = "x" * 60_000
                for number in range(200):
                    await socket.send(f'[2,"{number}","DataTransfer",{{"vendorId":"v","data":"{data}"}}]')
                received = [await socket.recv() for _ in range(200)]
                assert len(received) == 200

    run(main())


def test_an_encrypted_key_is_refused_without_asking_the_terminal(authority: Authority, tmp_path: Path) -> None:
    pair = authority.issue("locked")
    locked = tmp_path / "locked.key"
    authority._openssl("pkey", "-in", str(pair.key), "-aes128", "-passout", "pass:x", "-out", str(locked))
    with pytest.raises((ValueError, ssl.SSLError)):
        make_context([(pair.chain, locked)], authorities="", cipher_set="modern")
