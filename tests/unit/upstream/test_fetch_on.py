"""Downloads that go on where they broke off, and only onto bytes of the same file."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.upstream.fetch import NotFetched, fetch_on
from tests.fakes.range_server import RangeServer, range_server

CONTENT = os.urandom(500_000)


@pytest.fixture
def server() -> Iterator[RangeServer]:
    with range_server(CONTENT) as server:
        yield server


class Download:
    """One that can be tried again and again."""

    def __init__(self, server: RangeServer, folder: Path) -> None:
        self.server, self.part = server, folder / "part"
        self.part.touch()
        self.mark: str | None = None

    def once(self, *, most: int = 10**9, may_go_on: Callable[[int], bool] = lambda more: True) -> str:
        """`done`, or the code of what went wrong."""

        def note(mark: str | None) -> None:
            self.mark = mark

        try:
            fetch_on(self.server.url, self.part, mark=self.mark, note_mark=note, may_go_on=may_go_on, most_bytes=most)
        except NotFetched as error:
            return error.code
        return "done"

    def has(self) -> bytes:
        return self.part.read_bytes()


@pytest.fixture
def download(server: RangeServer, tmp_path: Path) -> Download:
    return Download(server, tmp_path)


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("marks", [{"ETag": '"one"'}, {"ETag": 'W/"weak"', "Last-Modified": "Thu, 01 Jan 2026"}])
def test_it_goes_on_where_it_broke_off(download: Download, chunked: bool, marks: dict[str, str]) -> None:
    download.server.chunked, download.server.marks, download.server.breaks_after = chunked, marks, 200_000
    assert download.once() == "fetch_failed" and download.has() == CONTENT[:200_000]
    assert download.once() == "fetch_failed" and download.has() == CONTENT[:400_000]
    assert download.once() == "done" and download.has() == CONTENT
    assert download.server.asked == [None, "bytes=200000-", "bytes=400000-"]
    assert download.once() == "done" and download.has() == CONTENT, "nothing is missing"
    assert len(download.server.asked) == 4


def test_a_file_that_changed_is_fetched_from_its_begin(download: Download) -> None:
    server = download.server
    server.breaks_after = 200_000
    download.once()
    server.content, server.marks, server.breaks_after = CONTENT[::-1], {"ETag": '"two"'}, None
    assert download.once() == "done" and download.has() == CONTENT[::-1]
    assert download.mark == '"two"'


def test_without_a_mark_nothing_is_put_together(download: Download) -> None:
    server = download.server
    server.marks, server.breaks_after = {}, 200_000
    download.once()
    server.breaks_after = None
    assert download.once() == "done" and download.has() == CONTENT
    assert server.asked == [None, None]


def test_a_shorter_file_is_fetched_anew(download: Download) -> None:
    server = download.server
    server.breaks_after = 200_000
    download.once()
    server.content, server.breaks_after = CONTENT[:100], None  # under the same mark
    assert download.once() == "done" and download.has() == CONTENT[:100]


def test_another_part_than_asked_for_is_refused(download: Download) -> None:
    server = download.server
    server.breaks_after = 200_000
    download.once()
    server.lies = True
    assert download.once() == "fetch_failed" and download.has() == CONTENT[:200_000]


@pytest.mark.parametrize("chunked", [False, True])
def test_it_is_bounded(download: Download, chunked: bool) -> None:
    download.server.chunked = chunked
    assert download.once(most=499_999) == "too_large"
    assert download.once(most=500_000) == "done"


def test_it_stops_when_told_to(download: Download) -> None:
    assert download.once(may_go_on=lambda more: False) == "fetch_failed" and download.has() == b""

    def full(more: int) -> bool:
        raise RuntimeError("no room")

    with pytest.raises(RuntimeError):
        download.once(may_go_on=full)


def test_nobody_there(download: Download) -> None:
    download.server.port = 1
    assert download.once() == "fetch_failed"
