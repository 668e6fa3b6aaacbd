"""What stations upload: whole files however they are wrapped, and nothing of what did not arrive whole."""

from __future__ import annotations

import asyncio
import errno
import gzip
import random
import socket
import struct
import zlib
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from firmware_store import spool
from firmware_store.tickets import Received
from firmware_store.transfer_server import HttpSettings, Ports, serve_transfers
from tests.fakes.transfer_desk import PATIENCE_SECONDS, Line, PaperDesk, Reply, ask, line_to

pytestmark = pytest.mark.slow  # servers in threads, and clients that keep them waiting

TOKEN = "tokenOfPlace"
DATA = random.Random(3).randbytes(700_000)
MOST = 1_000_000
SETTINGS = HttpSettings("127.0.0.1", 0)


@pytest.fixture
def desk(tmp_path: Path) -> PaperDesk:
    desk = PaperDesk(tmp_path)
    desk.place(TOKEN, most_bytes=MOST)
    return desk


@pytest.fixture
async def ports(desk: PaperDesk) -> AsyncIterator[Ports]:
    async with serve_transfers(desk, SETTINGS) as ports:
        yield ports
    assert desk.left_behind() == []


def head(headers: str, *, method: str = "PUT", tail: str = "", version: str = "1.1") -> bytes:
    return f"{method} /u/{TOKEN}{tail} HTTP/{version}\r\nHost: x\r\n{headers}\r\n".encode()


def put(data: bytes, headers: str = "", *, method: str = "PUT", tail: str = "", version: str = "1.1") -> bytes:
    return head(f"Content-Length: {len(data)}\r\n{headers}", method=method, tail=tail, version=version) + data


def form(*parts: tuple[str, bytes]) -> bytes:
    pieces = [f"--XyZ\r\n{headers}\r\n\r\n".encode() + data + b"\r\n" for headers, data in parts]
    body = b"".join(pieces) + b"--XyZ--\r\n"
    return put(body, "Content-Type: multipart/form-data; boundary=XyZ\r\n", method="POST")


def kept(desk: PaperDesk) -> list[tuple[str, bytes]]:
    return [(received.file_name, data) for received, data in desk.kept]


@pytest.mark.parametrize("method", ["PUT", "POST"])
@pytest.mark.parametrize("version", ["1.0", "1.1"])
async def test_a_plain_body(ports: Ports, desk: PaperDesk, method: str, version: str) -> None:
    reply = await ask(ports.http, put(DATA, method=method, version=version, tail="/diag%20of%2FCP-1.log"))
    assert (reply.status, len(reply.body) < 20) == (201, True)
    [(received, data)] = desk.kept
    assert data == DATA
    assert (received.link_id, received.scheme, received.address) == (2, "http", "127.0.0.1")
    assert received.file_name == "diag of/CP-1.log"
    assert received.size == len(DATA)
    assert len(received.sha256) == 64


@pytest.mark.parametrize(
    ("tail", "headers", "name"),
    [
        ("", "", ""),
        ("/", "", ""),
        ("/a/b.zip", "", "b.zip"),
        ("/..%2f..%2fetc%2fpasswd", "", "../../etc/passwd"),  # not safe, and said not to be
        ("/b.zip", 'Content-Disposition: attachment; filename="a.tgz"\r\n', "a.tgz"),
        ("/b.zip", "Content-Disposition: attachment; filename*=UTF-8''%e2%82%ac.txt\r\n", "€.txt"),
        ("/%ff%00", "", "\ufffd\0"),
        ("/b.zip", "Content-Disposition: ;;;=\r\n", "b.zip"),
        ("/" + "x" * 900, "", "x" * 255),
    ],
)
async def test_what_the_file_is_called(ports: Ports, desk: PaperDesk, tail: str, headers: str, name: str) -> None:
    assert (await ask(ports.http, put(b"x", headers, tail=tail))).status == 201
    assert kept(desk) == [(name, b"x")]


async def test_chunked(ports: Ports, desk: PaperDesk) -> None:
    pieces = [DATA[start : start + 7777] for start in range(0, len(DATA), 7777)]
    body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    reply = await ask(ports.http, head("Transfer-Encoding: chunked\r\n") + body)
    assert reply.status == 201
    assert kept(desk) == [("", DATA)]


async def test_an_empty_file(ports: Ports, desk: PaperDesk) -> None:
    assert (await ask(ports.http, put(b""))).status == 201
    assert kept(desk) == [("", b"")]


async def test_a_form(ports: Ports, desk: PaperDesk) -> None:
    fields = ('Content-Disposition: form-data; name="station"', b"CP-1 " * 100)
    file = ('Content-Disposition: form-data; name="f"; filename="C:\\\\logs\\\\a.zip"\r\nContent-Type: x/y', DATA)
    second = ('Content-Disposition: form-data; name="g"; filename="b.zip"', b"second")
    assert (await ask(ports.http, form(fields, file, second))).status == 201
    assert kept(desk) == [("C:\\logs\\a.zip", DATA)]


async def test_a_form_without_file_names(ports: Ports, desk: PaperDesk) -> None:
    fields = ('Content-Disposition: form-data; name="station"', b"CP-1")
    file = ('Content-Disposition: form-data; name="file"\r\nContent-Encoding: gzip', DATA)
    assert (await ask(ports.http, form(fields, file, fields))).status == 201
    assert (await ask(ports.http, form(("X: y", b"tiny")))).status == 201
    assert kept(desk) == [("", DATA), ("", b"tiny")]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no form at all",
        b"--XyZ\r\n",
        b"--XyZ\r\nA: b\r\n\r\nnever ends",
        b"--XyZ--\r\n",
        b"--XyZ\r\n:\r\n\r\n",
        b'--XyZ\r\nContent-Disposition: form-data; name="_charset_"\r\n\r\n' + b"x" * 40 + b"\r\n--XyZ--\r\n",
    ],
)
async def test_a_broken_form_is_refused(ports: Ports, desk: PaperDesk, body: bytes) -> None:
    reply = await ask(ports.http, put(body, "Content-Type: multipart/form-data; boundary=XyZ\r\n", method="POST"))
    assert reply.status == 400
    assert desk.kept == []


async def test_a_form_without_boundary_is_refused(ports: Ports, desk: PaperDesk) -> None:
    assert (await ask(ports.http, put(b"x", "Content-Type: multipart/form-data\r\n"))).status == 400


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
async def test_a_bomb_is_just_bytes(ports: Ports, desk: PaperDesk, coding: str) -> None:
    bomb = gzip.compress(bytes(50_000_000)) if coding == "gzip" else zlib.compress(bytes(50_000_000))
    assert (await ask(ports.http, put(bomb, f"Content-Encoding: {coding}\r\n"))).status == 201
    assert kept(desk) == [("", bomb)]


async def test_a_body_that_is_too_large_by_its_own_words(ports: Ports, desk: PaperDesk) -> None:
    async with line_to(ports.http) as line:
        await line.say(head(f"Content-Length: {MOST + 1}\r\nExpect: 100-continue\r\n"))
        reply = await line.reply()
    assert (reply.status, reply.headers["Connection"]) == (413, "close")
    assert (await ask(ports.http, put(bytes(MOST)))).status == 201


async def test_a_body_that_grows_too_large(ports: Ports, desk: PaperDesk) -> None:
    chunk = b"%x\r\n%s\r\n" % (len(DATA), DATA)
    assert (await ask(ports.http, head("Transfer-Encoding: chunked\r\n") + chunk * 2 + b"0\r\n\r\n")).status == 413
    field = ("Content-Disposition: form-data; name=a", bytes(MOST + 1))
    assert (await ask(ports.http, form(field))).status == 413
    assert (kept(desk), desk.left_behind()) == ([], [])


async def test_expect(ports: Ports, desk: PaperDesk) -> None:
    async with line_to(ports.http) as line:
        await line.say(head("Content-Length: 3\r\nExpect: 100-continue\r\n"))
        assert (await line.head()).status == 100
        await line.say(b"abc" + put(b"def"))
        assert [(await line.reply()).status for _ in range(2)] == [201, 201]
    assert kept(desk) == [("", b"abc"), ("", b"def")]


async def test_without_a_length(ports: Ports, desk: PaperDesk) -> None:
    assert (await ask(ports.http, head("", version="1.0"))).status == 411
    assert (await ask(ports.http, head(""))).status == 411


async def test_parts_are_not_taken_for_the_whole(ports: Ports, desk: PaperDesk) -> None:
    assert (await ask(ports.http, put(b"abc", "Content-Range: bytes 5-7/8\r\n"))).status == 400
    assert (await ask(ports.http, put(b"abc", "Content-Range: bytes 0-2/8\r\n"))).status == 400
    assert (await ask(ports.http, put(b"abc", "Content-Range: bytes 0-2/3\r\n"))).status == 201
    assert kept(desk) == [("", b"abc")]


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("graceful", [False, True])
async def test_a_connection_that_dies_leaves_nothing(
    ports: Ports, desk: PaperDesk, chunked: bool, graceful: bool
) -> None:
    async with line_to(ports.http) as line:
        if chunked:
            await line.say(head("Transfer-Encoding: chunked\r\n") + b"aae60\r\n" + DATA)
        else:
            await line.say(head("Content-Length: 700001\r\n") + DATA)
        await _until(lambda: len(desk.left_behind()) == 1)
        if graceful:
            line.writer.write_eof()
            assert await line.is_closed()
    await _until(lambda: not desk.left_behind())
    assert desk.kept == []


async def test_who_does_not_wait_for_the_answer_has_uploaded_all_the_same(ports: Ports, desk: PaperDesk) -> None:
    async with line_to(ports.http) as line:
        await line.say(put(DATA))
    await _until(lambda: bool(desk.kept))
    assert kept(desk) == [("", DATA)]


async def test_who_hangs_up_while_the_file_is_put_away_has_uploaded_it(
    ports: Ports, desk: PaperDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, may_go_on, take_over = asyncio.Event(), asyncio.Event(), PaperDesk.received

    async def slowly(self: PaperDesk, received: Received) -> None:
        asked.set()
        await may_go_on.wait()
        await take_over(self, received)

    monkeypatch.setattr(PaperDesk, "received", slowly)
    async with line_to(ports.http) as line:
        await line.say(put(DATA))
        async with asyncio.timeout(PATIENCE_SECONDS):
            await asked.wait()
        reset = struct.pack("ii", 1, 0)
        line.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
    await asyncio.sleep(0.1)
    may_go_on.set()
    await _until(lambda: bool(desk.kept))
    assert kept(desk) == [("", DATA)]


async def test_no_room(ports: Ports, desk: PaperDesk, caplog: pytest.LogCaptureFixture) -> None:
    desk.full = True
    reply = await ask(ports.http, put(DATA))
    assert (reply.status, reply.body) == (507, b"the quota of the station is used up\n")
    assert desk.left_behind() == []
    assert TOKEN not in caplog.text


async def test_so_much_of_the_disk_stays_free(ports: Ports, desk: PaperDesk) -> None:
    desk.tickets[TOKEN] = replace(desk.place("other"), reserve_bytes=10**18)
    assert (await ask(ports.http, put(DATA))).status == 507
    assert desk.kept == []
    assert desk.left_behind() == []


async def test_who_says_all_too_early_is_told_so(ports: Ports, desk: PaperDesk) -> None:
    async with line_to(ports.http) as line:
        await line.say(head("Content-Length: 30\r\n") + b"four")
        line.writer.write_eof()
        assert (await line.reply()).status == 400
    assert desk.kept == []


async def test_a_disk_that_is_full_or_gone(ports: Ports, desk: PaperDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "no space left")

    with monkeypatch.context() as patched:
        patched.setattr(spool.os, "fsync", full)
        assert (await ask(ports.http, put(DATA))).status == 507
    assert desk.left_behind() == []
    desk.tickets[TOKEN] = replace(desk.place("other"), folder=Path("/dev/null/x"))
    reply = await ask(ports.http, put(DATA))
    assert (reply.status, reply.headers["Retry-After"]) == (503, "60")
    desk.place(TOKEN)
    assert (await ask(ports.http, put(DATA))).status == 201


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "PATCH", "MOVE"])
async def test_only_uploading(ports: Ports, desk: PaperDesk, method: str) -> None:
    reply = await ask(ports.http, head("Content-Length: 0\r\n", method=method))
    assert (reply.status, reply.headers["Allow"]) == (405, "PUT, POST")


async def test_a_body_that_trickles_is_cut_off(desk: PaperDesk) -> None:
    slow = replace(SETTINGS, floor_bytes=1000, floor_seconds=0.4)
    async with serve_transfers(desk, slow) as ports:
        trickling, flowing = await asyncio.gather(_trickle(ports, b"x"), _trickle(ports, bytes(200)))
        assert (trickling, flowing) == (None, 201)
    assert (len(desk.kept), desk.left_behind()) == (1, [])


async def _trickle(ports: Ports, piece: bytes) -> int | None:
    """The answer's status when a body comes in 30 pieces over 1.5 s; None: cut off."""
    async with line_to(ports.http) as line:
        await line.say(head(f"Content-Length: {30 * len(piece)}\r\n"))
        for _ in range(30):
            try:
                await line.say(piece)
            except ConnectionError:
                return None
            await asyncio.sleep(0.05)
        return await _status(line)


async def _status(line: Line) -> int | None:
    try:
        reply: Reply = await line.reply()
    except (ConnectionError, asyncio.IncompleteReadError):
        return None
    return reply.status


async def _until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not is_so():  # noqa: ASYNC110 (nobody is told)
            await asyncio.sleep(0.01)
