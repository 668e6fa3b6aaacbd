"""The command `curl` as the station: it downloads, resumes, uploads. Beside it a client as small as an ESP's."""

from __future__ import annotations

import asyncio
import hashlib
import random
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from firmware_store.transfer_server import HttpSettings, Ports, serve_transfers
from tests.fakes.transfer_desk import Line, PaperDesk, line_to

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("curl") is None, reason="the command curl is not installed"),
]

IMAGE = "tokenOfImage"
PLACE = "tokenOfPlace"
DATA = random.Random(7).randbytes(5_000_000)
SETTINGS = HttpSettings("127.0.0.1", 0)


@pytest.fixture
def desk(tmp_path: Path) -> PaperDesk:
    (tmp_path / "desk").mkdir()
    desk = PaperDesk(tmp_path / "desk")
    desk.image(IMAGE, DATA)
    desk.place(PLACE)
    return desk


@pytest.fixture
async def ports(desk: PaperDesk) -> AsyncIterator[Ports]:
    async with serve_transfers(desk, SETTINGS) as ports:
        yield ports


@dataclass(frozen=True, slots=True)
class Done:
    """How curl ended, and the status of the last answer."""

    exit_code: int
    status: str
    error: str


async def curl(*words: str | Path) -> Done:
    """Run it; --silent, and nothing of the answer but its status."""
    process = await asyncio.create_subprocess_exec(
        "curl", "--silent", "--show-error", "--max-time", "30", "--write-out", "%{http_code}", *words,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, error = await process.communicate()
    assert process.returncode is not None
    return Done(process.returncode, output.decode()[-3:], error.decode())


def url(ports: Ports, path: str) -> str:
    return f"http://127.0.0.1:{ports.http}{path}"


@pytest.mark.parametrize("version", ["--http1.1", "--http1.0"])
async def test_a_download(ports: Ports, desk: PaperDesk, tmp_path: Path, version: str) -> None:
    done = await curl(version, "--compressed", "-o", tmp_path / "got", url(ports, f"/f/{IMAGE}/EVSE_1.2.3.bin"))
    assert (done.exit_code, done.status) == (0, "200")
    assert (tmp_path / "got").read_bytes() == DATA
    await desk.until_told(1, len(DATA))
    assert desk.told_of(1)[0][2]


async def test_a_part(ports: Ports, tmp_path: Path) -> None:
    done = await curl("-r", "100-1999", "-o", tmp_path / "got", url(ports, f"/f/{IMAGE}/x.bin"))
    assert (done.status, (tmp_path / "got").read_bytes()) == ("206", DATA[100:2000])


async def test_an_interrupted_download_goes_on_where_it_was(desk: PaperDesk, tmp_path: Path) -> None:
    got = tmp_path / "got"
    async with serve_transfers(desk, replace(SETTINGS, station_bytes_per_second=2_000_000)) as ports:
        broken = await curl("--max-time", "0.7", "-o", got, url(ports, f"/f/{IMAGE}/x.bin"))
        assert broken.exit_code == 28
        had = got.stat().st_size
        assert 0 < had < len(DATA)
        rest = await curl("-C", "-", "-o", got, url(ports, f"/f/{IMAGE}/x.bin"))
        assert (rest.exit_code, rest.status) == (0, "206")
        assert got.read_bytes() == DATA
        await desk.until_told(1, len(DATA))
    begun = [start for start, _, begins in desk.told_of(1) if begins]
    assert begun == [0, had]
    assert max(end for start, end, _ in desk.told_of(1) if end < len(DATA)) >= had


async def test_a_resumed_download_never_mixes_two_images(ports: Ports, desk: PaperDesk, tmp_path: Path) -> None:
    new = random.Random(8).randbytes(len(DATA))
    got = tmp_path / "got"
    got.write_bytes(DATA[:1000])
    desk.image("tokenOfOther", new)
    old_tag = f'If-Range: "{hashlib.sha256(DATA).hexdigest()}"'
    await curl("-H", old_tag, "-H", "Range: bytes=1000-", "-o", got, url(ports, "/f/tokenOfOther/x.bin"))
    assert got.read_bytes() == new


@pytest.mark.parametrize("words", [("-T",), ("--http1.0", "-T"), ("-H", "Transfer-Encoding: chunked", "-T")])
async def test_an_upload_as_stations_do_it(
    ports: Ports, desk: PaperDesk, tmp_path: Path, words: tuple[str, ...]
) -> None:
    (tmp_path / "diag 1.tar.gz").write_bytes(DATA)
    done = await curl(*words, tmp_path / "diag 1.tar.gz", url(ports, f"/u/{PLACE}/"))
    assert (done.exit_code, done.status) == (0, "201")
    [(received, data)] = desk.kept
    assert (received.file_name, data == DATA) == ("diag 1.tar.gz", True)
    assert received.sha256 == hashlib.sha256(DATA).hexdigest()
    assert desk.left_behind() == []


async def test_an_upload_by_form_and_by_post(ports: Ports, desk: PaperDesk, tmp_path: Path) -> None:
    (tmp_path / "log.txt").write_bytes(DATA)
    form = await curl("-F", "id=CP-1", "-F", f"log=@{tmp_path / 'log.txt'}", url(ports, f"/u/{PLACE}"))
    post = await curl("--data-binary", f"@{tmp_path / 'log.txt'}", url(ports, f"/u/{PLACE}"))
    assert (form.status, post.status) == ("201", "201")
    assert [(received.file_name, data == DATA) for received, data in desk.kept] == [("log.txt", True), ("", True)]


async def test_an_upload_that_is_too_large_is_refused_before_it_is_sent(
    ports: Ports, desk: PaperDesk, tmp_path: Path
) -> None:
    desk.place(PLACE, most_bytes=1_000_000)
    (tmp_path / "big").write_bytes(DATA)
    done = await curl("--expect100-timeout", "10", "-T", tmp_path / "big", url(ports, f"/u/{PLACE}/big"))
    assert done.status == "413"
    chunked = ("-H", "Expect:", "-H", "Transfer-Encoding: chunked")
    late = await curl(*chunked, "-T", tmp_path / "big", url(ports, f"/u/{PLACE}"))
    assert late.status == "413"
    assert (desk.kept, desk.left_behind()) == ([], [])


async def test_an_interrupted_upload_leaves_nothing(ports: Ports, desk: PaperDesk, tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(DATA)
    done = await curl("--max-time", "0.5", "--limit-rate", "1M", "-T", tmp_path / "log", url(ports, f"/u/{PLACE}/log"))
    assert done.exit_code == 28
    again = await curl("-T", tmp_path / "log", url(ports, f"/u/{PLACE}/log"))
    assert again.status == "201"
    assert (len(desk.kept), desk.left_behind()) == (1, [])


# == A client with 2 kB of memory, which knows neither chunks nor capital letters ==


async def fetch_in_pieces(line: Line, path: str, piece: int) -> bytes:
    """As modems do it: the size from a HEAD, then many small ranges over one connection."""
    await line.say(f"HEAD {path} HTTP/1.1\r\nhost: gw\r\n\r\n")
    size = int((await line.reply(is_head=True)).headers["Content-Length"])
    got = bytearray()
    while len(got) < size:
        last = min(len(got) + piece, size) - 1
        wish = f"range: bytes={len(got)}-{last}\r\nconnection: keep-alive"
        await line.say(f"GET {path} HTTP/1.1\r\nhost: gw\r\n{wish}\r\n\r\n")
        reply = await line.reply()
        assert reply.headers["Content-Length"] == str(last + 1 - len(got))
        got += reply.body
    return bytes(got)


async def test_a_small_client_beside_large_ones(desk: PaperDesk) -> None:
    for number in range(4):
        desk.image(f"largeToken{number}", bytes(60_000_000), station=f"LARGE-{number}", link_id=10 + number)
    small = DATA[:200_000]
    desk.image("smallToken", small, station="SMALL", link_id=20)
    settings = replace(SETTINGS, transfers_at_once=4, wait_seconds=30)
    async with serve_transfers(desk, settings) as ports, asyncio.TaskGroup() as group:
        large = [
            group.create_task(curl("-o", "/dev/null", url(ports, f"/f/largeToken{number}"))) for number in range(4)
        ]
        async with line_to(ports.http) as line:
            assert await fetch_in_pieces(line, "/f/smallToken/fw.bin", 2048) == small
        await desk.until_told(20, len(small))
        assert [begins for _, _, begins in desk.told_of(20)].count(True) == 1
        assert [(await task).status for task in large] == ["200"] * 4
