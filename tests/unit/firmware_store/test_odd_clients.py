"""Clients that dawdle, guess, talk nonsense or come in crowds; and how the servers begin and end."""

from __future__ import annotations

import asyncio
import logging
import random
import resource
import socket
import ssl
import threading
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from firmware_store.transfer_server import HttpSettings, serve_transfers
from tests.fakes.certificate_maker import Authority
from tests.fakes.transfer_desk import PATIENCE_SECONDS, Line, PaperDesk, ask, line_to

pytestmark = pytest.mark.slow  # servers in threads, and clients that keep them waiting

DATA = random.Random(4).randbytes(200_000)
SETTINGS = HttpSettings("127.0.0.1", 0)
GET = "GET /f/tokenOfImage/i HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
def desk(tmp_path: Path) -> PaperDesk:
    desk = PaperDesk(tmp_path)
    desk.image("tokenOfImage", DATA)
    desk.place("tokenOfPlace")
    return desk


async def test_headers_that_never_end_and_idle_connections_are_cut_off(desk: PaperDesk) -> None:
    async with (
        serve_transfers(desk, replace(SETTINGS, idle_seconds=0.3)) as ports,
        line_to(ports.http) as silent,
        line_to(ports.http) as endless,
        line_to(ports.http) as idle,
        line_to(ports.http) as between,
    ):
        await endless.say("GET /f/tokenOfImage/i HTTP/1.1\r\n")
        await idle.say(GET)
        await idle.reply()
        await between.say(GET + "GET /f/tok")
        await between.reply()
        for _ in range(4):
            await endless.say("X-Header: again\r\n")
            await asyncio.sleep(0.02)
        assert await silent.is_closed() and await endless.is_closed()
        assert await idle.is_closed() and await between.is_closed()


async def test_half_a_request_and_no_more_is_not_waited_for(desk: PaperDesk) -> None:
    async with serve_transfers(desk, SETTINGS) as ports, line_to(ports.http) as line:
        await line.say("GET /f/tokenOf")
        line.writer.write_eof()
        assert await line.is_closed()


async def test_a_reader_that_sleeps_is_cut_off_and_one_that_is_slow_is_not(desk: PaperDesk) -> None:
    desk.image("tokenOfLarge", bytes(30_000_000), link_id=7)
    hasty = replace(SETTINGS, floor_bytes=1_000, floor_seconds=0.8)
    async with (
        serve_transfers(desk, hasty) as ports,
        narrow_line(ports.http) as asleep,
        narrow_line(ports.http) as slow,
    ):
        for line in (asleep, slow):
            await line.say("GET /f/tokenOfLarge/i HTTP/1.1\r\nHost: x\r\n\r\n")
        for _ in range(24):  # 1.9 s: far less in a second than the kernel holds for it
            await slow.reader.readexactly(1_600)
            await asyncio.sleep(0.08)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            async with asyncio.timeout(PATIENCE_SECONDS):
                await asleep.reader.readexactly(30_000_000)
        await slow.reader.readexactly(4_000)
        await desk.until_told(7, 1)
        assert max(end for _, end, _ in desk.told_of(7)) < 1_500_000


@asynccontextmanager
async def narrow_line(port: int) -> AsyncIterator[Line]:
    """A client whose kernel takes little ahead of it."""
    opened = socket.socket()
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    opened.setblocking(False)
    await asyncio.get_running_loop().sock_connect(opened, ("127.0.0.1", port))
    line = Line(*await asyncio.open_connection(sock=opened, limit=4096))
    try:
        yield line
    finally:
        line.writer.transport.abort()


async def test_slow_readers_hold_no_memory(desk: PaperDesk) -> None:
    desk.image("tokenOfLarge", bytes(64_000_000), link_id=7)
    async with serve_transfers(desk, SETTINGS) as ports:
        await ask(ports.http, GET)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        async with narrow_line(ports.http) as one, narrow_line(ports.http) as other:
            for line in (one, other):
                await line.say("GET /f/tokenOfLarge/i HTTP/1.1\r\nHost: x\r\n\r\n")
                await line.reader.readexactly(20_000)
            await desk.until_told(7, 20_000)
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000  # kB


async def test_guessing_becomes_slow_and_the_station_beside_it_does_not_notice(desk: PaperDesk) -> None:
    loop = asyncio.get_running_loop()
    guess = "GET /f/guess{}/i HTTP/1.1\r\nHost: x\r\n\r\n"
    async with serve_transfers(desk, SETTINGS) as ports:
        took = []
        for number in range(5):
            began = loop.time()
            assert (await ask(ports.http, guess.format(number))).status == 404
            took.append(loop.time() - began)
        assert took[0] < 0.2 and took[3] > 0.24 and took[4] > 0.49
        async with asyncio.TaskGroup() as group:
            crowd = [group.create_task(_is_answered(ports.http, guess.format(number))) for number in range(9, 16)]
            began = loop.time()
            assert (await ask(ports.http, GET)).body == DATA
            assert loop.time() - began < 0.5
            await asyncio.sleep(0.2)
            assert sum(task.done() and not task.result() for task in crowd) == 3  # four wait, more are hung up on
            for task in crowd:
                task.cancel()


async def _is_answered(port: int, request: str) -> bool:
    try:
        await ask(port, request)
    except (ConnectionError, asyncio.IncompleteReadError):
        return False
    return True


@pytest.mark.parametrize(
    "line",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # TLS at the wrong door
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 20_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 500 + b"\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET  HTTP/1.1\r\n\r\n",
        b"\r\n\r\n\r\nhello\r\n\r\n",
        b"PUT /u/tokenOfPlace HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"PUT /u/tokenOfPlace HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"PUT /u/tokenOfPlace HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        b"PUT /u/tokenOfPlace HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc",
    ],
)
async def test_nonsense_is_refused(desk: PaperDesk, line: bytes, caplog: pytest.LogCaptureFixture) -> None:
    async with serve_transfers(desk, SETTINGS) as ports:
        async with line_to(ports.http) as bad:
            await bad.say(line)
            bad.writer.write_eof()
            try:
                assert (await bad.reply()).status >= 400
            except (asyncio.IncompleteReadError, ConnectionError):
                pass  # or hung up on
        assert (await ask(ports.http, GET)).body == DATA
    assert (desk.kept, desk.left_behind()) == ([], [])
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_random_garbage_never_breaks_the_server(desk: PaperDesk, caplog: pytest.LogCaptureFixture) -> None:
    chance = random.Random(5)
    put = b"PUT /u/tokenOfPlace/n HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\nRange: bytes=0-3\r\n\r\n0123456789"
    form = (
        b"POST /u/tokenOfPlace HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=B\r\nContent-Length: 70\r\n\r\n"
    )
    form += b'--B\r\nContent-Disposition: form-data; filename="a"\r\n\r\ncontent\r\n--B--\r\n'
    async with serve_transfers(desk, replace(SETTINGS, idle_seconds=0.5)) as ports:
        for _ in range(250):
            said = bytearray(chance.choice([put, form, GET.encode()]))
            for _ in range(chance.randrange(1, 6)):
                match chance.randrange(3):
                    case 0:
                        said[chance.randrange(len(said))] = chance.randrange(256)
                    case 1:
                        del said[chance.randrange(len(said)) :][: chance.randrange(1, 9)]
                    case _:
                        at = chance.randrange(len(said))
                        said[at:at] = chance.randbytes(chance.randrange(1, 9))
                said = said or bytearray(b"x")
            async with line_to(ports.http) as line:
                await line.say(bytes(said))
        await _until_served(ports.http)
    assert desk.left_behind() == []
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_a_client_that_would_rather_speak_http_2(desk: PaperDesk) -> None:
    """As Java's client does on every plain connection, also with a body."""
    wish = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABk\r\n"
    async with serve_transfers(desk, SETTINGS) as ports:
        assert (await ask(ports.http, GET.replace("\r\n\r\n", f"\r\n{wish}\r\n"))).body == DATA
        put = f"PUT /u/tokenOfPlace/a HTTP/1.1\r\nHost: x\r\n{wish}Content-Length: 3\r\n\r\nabc"
        assert (await ask(ports.http, put)).status == 201
    assert desk.kept[0][1] == b"abc"


async def test_too_many_connections_of_one_address(desk: PaperDesk) -> None:
    async with serve_transfers(desk, SETTINGS) as ports:
        lines = [await asyncio.open_connection("127.0.0.1", ports.http) for _ in range(100)]
        async with line_to(ports.http) as refused:
            assert await refused.is_closed()
        lines[0][1].transport.abort()
        await _until_served(ports.http)
        for _, writer in lines:
            writer.transport.abort()


async def _until_served(port: int) -> None:
    """Those who are gone are noticed soon, and their places are free again."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                assert (await ask(port, GET)).body == DATA
            except (ConnectionError, asyncio.IncompleteReadError):
                await asyncio.sleep(0.02)
                continue
            return


# == TLS ==


@pytest.mark.slow
async def test_https(desk: PaperDesk, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ca")
    pair = authority.server_pairs()[0]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.chain, pair.key)
    shown: list[ssl.SSLContext | None] = [context]

    async def tls() -> ssl.SSLContext | None:
        return shown[-1]

    large = random.Random(6).randbytes(3_000_000)
    desk.image("tokenOfLarge", large, link_id=8)
    trusted = authority.client_context()
    async with serve_transfers(desk, replace(SETTINGS, tls_port=0), tls=tls) as ports:
        assert ports.https is not None

        async def asked(request: str | bytes) -> bytes:
            reader, writer = await asyncio.open_connection("127.0.0.1", ports.https, ssl=trusted)
            line = Line(reader, writer)
            await line.say(request)
            reply = await line.reply()
            writer.close()
            await writer.wait_closed()
            return reply.body

        assert await asked("GET /f/tokenOfLarge/i HTTP/1.1\r\nHost: x\r\n\r\n") == large
        assert (
            await asked(b"PUT /u/tokenOfPlace/a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc") == b"received\n"
        )
        await desk.until_told(8, len(large))
        assert (desk.kept[0][0].scheme, desk.kept[0][1]) == ("https", b"abc")
        shown.append(None)
        with pytest.raises((ConnectionError, ssl.SSLError)):
            await asked(GET)
        shown.append(context)
        async with line_to(ports.https) as plain:  # what is no handshake at all
            await plain.say(GET)
            await plain.reader.read()
        assert await asked(GET) == DATA


# == Beginning and end ==


async def test_the_end_is_prompt_with_transfers_under_way(desk: PaperDesk) -> None:
    loop = asyncio.get_running_loop()
    desk.image("tokenOfLarge", bytes(30_000_000), link_id=7, station="CP-2")
    threads = threading.active_count()
    async with AsyncExitStack() as lines:
        async with serve_transfers(desk, SETTINGS) as ports:
            down, up, idle = [await lines.enter_async_context(narrow_line(ports.http)) for _ in range(3)]
            await down.say("GET /f/tokenOfLarge/i HTTP/1.1\r\nHost: x\r\n\r\n")
            await down.reader.readexactly(50_000)
            await up.say(b"PUT /u/tokenOfPlace HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n" + bytes(600_000))
            await idle.say(GET)
            await idle.reply()
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not desk.left_behind():  # noqa: ASYNC110 (nobody is told)
                    await asyncio.sleep(0.01)
            began = loop.time()
        assert loop.time() - began < 3
        assert desk.left_behind() == []
        assert max(end for _, end, _ in desk.told_of(7)) >= 50_000
        for line in (down, up, idle):
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await line.reader.readexactly(30_000_000)
    assert threading.active_count() == threads
    assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []


async def test_the_end_is_prompt_when_the_desk_hangs(desk: PaperDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()

    async def never(self: PaperDesk, asked: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(PaperDesk, "served", never)
    monkeypatch.setattr(PaperDesk, "received", never)
    async with serve_transfers(desk, SETTINGS) as ports, line_to(ports.http) as up:
        assert (await ask(ports.http, GET)).body == DATA
        await up.say(b"PUT /u/tokenOfPlace HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
        await asyncio.sleep(0.1)
        began = loop.time()
    assert loop.time() - began < 3
    assert desk.left_behind() == []


async def test_the_end_comes_also_when_the_block_fails_or_is_cancelled(desk: PaperDesk) -> None:
    threads = threading.active_count()
    with pytest.raises(ValueError, match="of the test"):
        async with serve_transfers(desk, SETTINGS):
            raise ValueError("of the test")

    async def serve() -> None:
        async with serve_transfers(desk, SETTINGS):
            await asyncio.Event().wait()

    task = asyncio.create_task(serve())
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert threading.active_count() == threads


async def test_a_port_that_is_taken_is_an_error_at_once(desk: PaperDesk) -> None:
    threads = threading.active_count()
    async with serve_transfers(desk, SETTINGS) as ports:
        with pytest.raises(OSError, match="in use"):
            async with serve_transfers(desk, replace(SETTINGS, port=ports.http)):
                pass
    async with serve_transfers(desk, replace(SETTINGS, port=ports.http)):
        assert (await ask(ports.http, GET)).body == DATA
    assert threading.active_count() == threads


async def test_a_host_name_with_two_addresses(desk: PaperDesk) -> None:
    async with serve_transfers(desk, replace(SETTINGS, host="localhost")) as ports:
        assert (await ask(ports.http, GET)).body == DATA
