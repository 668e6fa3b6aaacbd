"""What stations fetch: plain answers, exact parts, true positions, nothing that a link does not allow."""

from __future__ import annotations

import asyncio
import gzip
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from firmware_store.tickets import Download
from firmware_store.transfer_server import HttpSettings, Ports, serve_transfers
from tests.fakes.transfer_desk import PATIENCE_SECONDS, PaperDesk, ask, line_to

pytestmark = pytest.mark.slow  # servers in threads, and clients that keep them waiting

TOKEN = "tokenOfImage"
DATA = random.Random(1).randbytes(300_000)
SETTINGS = HttpSettings("127.0.0.1", 0)


@pytest.fixture
def desk(tmp_path: Path) -> PaperDesk:
    return PaperDesk(tmp_path)


@pytest.fixture
def image(desk: PaperDesk) -> Download:
    return desk.image(TOKEN, DATA)


@pytest.fixture
async def ports(desk: PaperDesk) -> AsyncIterator[Ports]:
    async with serve_transfers(desk, SETTINGS) as ports:
        yield ports


def get(headers: str = "", *, method: str = "GET", path: str = f"/f/{TOKEN}/image.bin", version: str = "1.1") -> str:
    return f"{method} {path} HTTP/{version}\r\nHost: x\r\n{headers}\r\n"


async def test_the_whole_file_comes_as_plain_as_possible(ports: Ports, image: Download) -> None:
    reply = await ask(ports.http, get("Accept-Encoding: gzip, br, zstd\r\n"))
    assert (reply.status, reply.body) == (200, DATA)
    assert set(reply.headers) == {"Server", "Date", "ETag", "Accept-Ranges", "Content-Type", "Content-Length"}
    assert reply.headers["Content-Length"] == str(len(DATA))
    assert reply.headers["Content-Type"] == "application/octet-stream"
    assert reply.headers["ETag"] == f'"{image.sha256}"'
    assert reply.headers["Server"] == "ocpp-gateway"


@pytest.mark.parametrize("path", ["", "/", "/other.name", "/a/b", "//twice", "/with%20space?and=query"])
async def test_the_name_is_decoration(ports: Ports, image: Download, path: str) -> None:
    assert (await ask(ports.http, get(path=f"/f/{TOKEN}{path}"))).body == DATA


async def test_the_address_may_be_written_in_full(ports: Ports, image: Download) -> None:
    assert (await ask(ports.http, get(path=f"http://192.168.1.10:8088/f/{TOKEN}/image.bin"))).body == DATA


async def test_head_tells_and_sends_nothing(ports: Ports, image: Download, desk: PaperDesk) -> None:
    async with line_to(ports.http) as line:
        await line.say(get("Range: bytes=5-9\r\n", method="HEAD") + get("Range: bytes=0-0\r\n"))
        head, first = await line.reply(is_head=True), await line.reply()
    assert (head.status, head.headers["Content-Length"]) == (200, str(len(DATA)))
    assert (first.status, first.body) == (206, DATA[:1])
    await desk.until_told(1, 1)
    assert desk.told_of(1) == [(0, 1, True)]


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [("0-99", 0, 100), ("100-", 100, 300_000), ("-7", 299_993, 300_000), ("299990-999999", 299_990, 300_000)],
)
async def test_a_part(ports: Ports, image: Download, asked: str, start: int, end: int) -> None:
    reply = await ask(ports.http, get(f"Range: bytes={asked}\r\n"))
    assert (reply.status, reply.body) == (206, DATA[start:end])
    assert reply.headers["Content-Range"] == f"bytes {start}-{end - 1}/300000"


async def test_a_part_behind_the_end_and_several_parts(ports: Ports, image: Download) -> None:
    reply = await ask(ports.http, get("Range: bytes=300000-\r\n"))
    assert (reply.status, reply.headers["Content-Range"]) == (416, "bytes */300000")
    several = await ask(ports.http, get("Range: bytes=0-1,5-6\r\n"))
    assert (several.status, several.body) == (200, DATA)


async def test_if_range_of_another_file_gets_the_whole_one(ports: Ports, image: Download) -> None:
    """A library's own file answer ignores If-Range, and a station would glue two images together."""
    other = await ask(ports.http, get('Range: bytes=100-\r\nIf-Range: "0123456789abcdef"\r\n'))
    assert (other.status, other.body) == (200, DATA)
    same = await ask(ports.http, get(f'Range: bytes=100-\r\nIf-Range: "{image.sha256}"\r\n'))
    assert (same.status, same.body) == (206, DATA[100:])
    dated = await ask(ports.http, get("Range: bytes=100-\r\nIf-Range: Wed, 25 Nov 2026 20:00:00 GMT\r\n"))
    assert dated.status == 200


async def test_a_packed_file_beside_the_image_is_never_served(ports: Ports, image: Download) -> None:
    """A library's own file answer looks for one, and serves it as Content-Encoding."""
    for suffix, packed in ((".gz", gzip.compress(b"another")), (".br", b"another"), (".zst", b"another")):
        image.path.with_name(image.path.name + suffix).write_bytes(packed)
    reply = await ask(ports.http, get("Accept-Encoding: gzip, br, zstd\r\n"))
    assert reply.body == DATA
    assert "Content-Encoding" not in reply.headers


async def test_preconditions(ports: Ports, image: Download) -> None:
    assert (await ask(ports.http, get(f'If-None-Match: "{image.sha256}"\r\n'))).status == 304
    assert (await ask(ports.http, get('If-Match: "other"\r\n'))).status == 412


@pytest.mark.parametrize("keep_alive", [True, False])
async def test_http_1_0(ports: Ports, image: Download, keep_alive: bool) -> None:
    async with line_to(ports.http) as line:
        wish = "Connection: keep-alive\r\n" if keep_alive else ""
        await line.say(f"GET /f/{TOKEN}/i HTTP/1.0\r\n{wish}\r\n")
        reply = await line.reply()
        assert (reply.status, reply.version, reply.body) == (200, "HTTP/1.0", DATA)
        assert "Transfer-Encoding" not in reply.headers
        if not keep_alive:
            assert await line.is_closed()
            return
        assert reply.headers["Connection"] == "keep-alive"
        await line.say(f"GET /f/{TOKEN}/i HTTP/1.0\r\nRange: bytes=-3\r\n\r\n")
        assert (await line.reply()).body == DATA[-3:]


async def test_a_client_that_half_closes_gets_its_answer(ports: Ports, image: Download) -> None:
    async with line_to(ports.http) as line:
        await line.say(get())
        line.writer.write_eof()
        assert (await line.reply()).body == DATA
        assert await line.is_closed()


async def test_many_small_parts_are_one_attempt(ports: Ports, image: Download, desk: PaperDesk) -> None:
    got = b""
    async with line_to(ports.http) as line:
        for start in range(0, 100_000, 2_000):
            await line.say(get(f"Range: bytes={start}-{start + 1_999}\r\n"))
            got += (await line.reply()).body
    assert got == DATA[:100_000]
    await desk.until_told(1, 100_000)
    told = desk.told_of(1)
    assert [begins for _, _, begins in told] == [True] + [False] * (len(told) - 1)
    assert [start for start, _, _ in told] == [0, *(end for _, end, _ in told[:-1])]


async def test_every_start_elsewhere_is_an_attempt(ports: Ports, image: Download, desk: PaperDesk) -> None:
    for _ in range(2):
        await ask(ports.http, get("Range: bytes=0-99\r\n"))
    await desk.until_told(1, 100)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(desk.told) < 2:
            desk.changed.clear()
            await desk.changed.wait()
    assert desk.told_of(1) == [(0, 100, True), (0, 100, True)]


async def test_a_station_that_dies_is_noted_where_it_was(ports: Ports, desk: PaperDesk) -> None:
    large = random.Random(2).randbytes(40_000_000)
    desk.image(TOKEN, large)
    async with line_to(ports.http, small_buffers=True) as line:
        await line.say(get())
        await line.reader.readexactly(100_000)
    await desk.until_told(1, 100_000)
    assert max(end for _, end, _ in desk.told_of(1)) < len(large)


async def test_progress_is_told_again_when_the_desk_is_back(
    ports: Ports, desk: PaperDesk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.image(TOKEN, DATA)
    async with line_to(ports.http) as line:
        await line.say(get("Range: bytes=0-99\r\n"))
        await line.reply()
        desk.away = True
        async with asyncio.timeout(PATIENCE_SECONDS):
            while "cannot be noted now" not in caplog.text:  # noqa: ASYNC110 (nobody is told)
                await asyncio.sleep(0.01)
        desk.away = False
        await desk.until_told(1, 100)


@pytest.mark.parametrize(
    "path", ["/", "/f", "/f/", "/f/x", "/f/unknownToken/i", "/u/unknownToken", "/x/y", "/f/%2e%2e/i"]
)
async def test_what_is_not_there_is_all_the_same(ports: Ports, image: Download, path: str) -> None:
    reply = await ask(ports.http, get(path=path, method="PUT" if path.startswith("/u") else "GET"))
    assert (reply.status, reply.body) == (404, b"not found\n")


async def test_a_token_opens_only_its_own_door(ports: Ports, image: Download, desk: PaperDesk) -> None:
    desk.place("tokenOfPlace")
    assert (await ask(ports.http, get(path="/f/tokenOfPlace"))).status == 404
    assert (await ask(ports.http, get("Content-Length: 0\r\n", method="PUT", path=f"/u/{TOKEN}"))).status == 404


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE", "OPTIONS", "TRACE", "PATCH"])
async def test_only_fetching(ports: Ports, image: Download, method: str, desk: PaperDesk) -> None:
    reply = await ask(ports.http, get("Content-Length: 0\r\n", method=method))
    assert (reply.status, reply.headers["Allow"]) == (405, "GET, HEAD")
    assert desk.asked == []


async def test_withdrawn_means_not_servable_at_once(ports: Ports, image: Download, desk: PaperDesk) -> None:
    async with line_to(ports.http) as line:
        await line.say(get("Range: bytes=0-9\r\n"))
        assert (await line.reply()).status == 206
        del desk.tickets[TOKEN]
        await line.say(get("Range: bytes=10-19\r\n"))
        assert (await line.reply()).status == 404


async def test_what_is_withdrawn_meanwhile_is_cut_off(desk: PaperDesk, caplog: pytest.LogCaptureFixture) -> None:
    desk.image(TOKEN, DATA)
    async with (
        serve_transfers(desk, replace(SETTINGS, station_bytes_per_second=40_000)) as ports,
        line_to(ports.http) as line,
    ):
        await line.say(get())
        await line.head()
        await line.reader.readexactly(1_000)
        del desk.tickets[TOKEN]
        async with asyncio.timeout(PATIENCE_SECONDS):
            with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                await line.reader.readexactly(len(DATA) - 1_000)
    assert "its link does not hold any more" in caplog.text
    assert TOKEN not in caplog.text


async def test_who_reads_nothing_is_cut_off_as_well(desk: PaperDesk, caplog: pytest.LogCaptureFixture) -> None:
    desk.image(TOKEN, bytes(64_000_000))
    async with serve_transfers(desk, SETTINGS) as ports, line_to(ports.http) as line:
        await line.say(get())
        await line.head()
        del desk.tickets[TOKEN]
        transport = line.writer.transport
        transport.pause_reading()  # type: ignore[attr-defined]
        async with asyncio.timeout(PATIENCE_SECONDS):
            while "does not hold any more" not in caplog.text:  # noqa: ASYNC110 (nobody is told)
                await asyncio.sleep(0.05)


async def test_a_damaged_image_is_not_served(ports: Ports, image: Download, caplog: pytest.LogCaptureFixture) -> None:
    image.path.write_bytes(DATA[:-1])
    assert (await ask(ports.http, get())).status == 404
    image.path.unlink()
    assert (await ask(ports.http, get())).status == 404
    assert "damaged" in caplog.text and "cannot be read" in caplog.text


async def test_a_file_that_is_cut_short_meanwhile_never_looks_whole(
    desk: PaperDesk, caplog: pytest.LogCaptureFixture
) -> None:
    image = desk.image(TOKEN, DATA)
    async with (
        serve_transfers(desk, replace(SETTINGS, station_bytes_per_second=200_000)) as ports,
        line_to(ports.http) as line,
    ):
        await line.say(get())
        await line.reader.readexactly(1_000)
        with image.path.open("r+b") as file:
            file.truncate(100_000)
        async with asyncio.timeout(PATIENCE_SECONDS):
            with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                await line.reader.readexactly(len(DATA))
    assert "its file is too short" in caplog.text


async def test_a_desk_that_is_away_is_503(ports: Ports, image: Download, desk: PaperDesk) -> None:
    desk.away = True
    reply = await ask(ports.http, get())
    assert (reply.status, reply.headers["Retry-After"]) == (503, "30")


async def test_a_fault_ends_one_connection_and_tells_no_token(
    ports: Ports, image: Download, desk: PaperDesk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.broken = RuntimeError("a fault")
    async with line_to(ports.http) as line:
        await line.say(get())
        assert await line.is_closed()
    desk.broken = None
    assert (await ask(ports.http, get())).status == 200
    assert "a fault" in caplog.text
    assert TOKEN not in caplog.text


async def test_a_station_gets_no_more_than_its_rate(desk: PaperDesk) -> None:
    desk.image(TOKEN, DATA)
    loop = asyncio.get_running_loop()
    async with serve_transfers(desk, replace(SETTINGS, station_bytes_per_second=400_000)) as ports:
        began = loop.time()
        replies = await asyncio.gather(*(ask(ports.http, get("Range: bytes=0-149999\r\n")) for _ in range(2)))
        took = loop.time() - began
    assert [len(reply.body) for reply in replies] == [150_000, 150_000]
    assert took > 0.45  # 0.75, less the two pieces that nobody waits for


async def test_others_wait_for_their_turn_and_are_refused_when_too_many_do(desk: PaperDesk) -> None:
    for number in range(4):
        desk.image(f"token-{number}", DATA, station=f"CP-{number}", link_id=number)
    busy = replace(SETTINGS, transfers_at_once=1, station_bytes_per_second=1_000_000, most_waiting=1)
    async with serve_transfers(desk, busy) as ports, line_to(ports.http) as first, line_to(ports.http) as second:
        await first.say(get(path="/f/token-0"))
        await first.head()
        await second.say(get(path="/f/token-1"))
        async with asyncio.timeout(PATIENCE_SECONDS):
            while "token-1" not in desk.asked:  # noqa: ASYNC110 (nobody is told)
                await asyncio.sleep(0.01)
        crowded = await ask(ports.http, get(path="/f/token-2"))
        assert (crowded.status, crowded.headers["Retry-After"]) == (503, "30")
        await first.reader.readexactly(len(DATA))
        assert (await second.reply()).body == DATA
