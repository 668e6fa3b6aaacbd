"""Whatever is sent to a page, its answer is a page: no error of the gateway, and no traceback in its log."""

from __future__ import annotations

import asyncio
import io
import re
import zlib
from collections.abc import AsyncIterator, Iterator
from urllib.parse import quote

import pytest
from yarl import URL

from gateway.pages.application import PAGES
from gateway.pages.forms import MOST_FIELDS, MOST_FORM_BYTES
from gateway.pages.table import Page
from tests.unit.pages.conftest import Reader

ODD_PARTS = (
    "..", "%2e%2e", "%2e%2e%2f%2e%2e%2fsystem", "%00", "%7Bx%7D", quote("<script>"), quote("🔌"), "x" * 3000,
    "%20", "%20a%20b%20", "%ff", "%c3%28", "-1", "0", "999999999999999999999999", "%0d%0aSet-Cookie:%20a=b", "a%2fb",
    "%25", "%3F", "%23", "%ed%a0%80",
)  # fmt: skip
_VARIABLE = re.compile(r"\{\w+\}")


@pytest.fixture(autouse=True)
def no_error_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    told = [f"{each.getMessage()} {each.exc_info}" for each in caplog.records if each.exc_info]
    assert not told, told[:5]


def with_parts(page: Page, part: str) -> URL:
    """The page's address with this in place of each of its variables."""
    return URL(_VARIABLE.sub(lambda _: part, page.path), encoded=True)


@pytest.mark.parametrize("part", ODD_PARTS, ids=lambda part: part[:20])
async def test_odd_parts_of_the_path(reader: Reader, part: str) -> None:
    wrong = []
    for page in PAGES:
        if "{" not in page.path:
            continue
        response = await reader.ask(page.method, with_parts(page, part))
        text = (await response.read())[:100]
        if response.status >= 500 or (response.status not in (303,) and response.content_type != "text/html"):
            wrong.append((page.method, page.path, response.status, response.content_type, text))
    assert not wrong, wrong


def plain(page: Page) -> URL:
    """The page of something that may exist."""
    return with_parts(page, "FILE-1" if "station" in page.path else "1")


ODD_QUERIES = (
    "%ff=%ff", "&&&=&", "after=%00&limit=-1&from=x&to=y&station=%ff&id_tag=%00", "after=99999999999999999999999",
    "hours=1e999&hours=nan&days=-1&day=9999-99-99", "station=" + "x" * 6000,
    "from=0000-00-00&to=9999-12-31T23:59:60Z", "a=1&a=2&after=1&after=2&station=A&station=B&circuit=%7B7*7%7D",
)  # fmt: skip
QUERY_NAMES = (
    "after", "before", "since", "until", "from", "to", "limit", "station", "connector", "id_tag", "q", "search", "sort",
    "hours", "status", "state", "kind", "level", "circuit", "only", "period", "day", "month", "next", "other", "with",
    "key", "image", "image_id", "actor", "direction", "action", "text", "ended", "reason", "group", "upstream", "model",
    "step", "page", "tab", "open", "compared", "format", "points",
)  # fmt: skip


def all_with(value: str) -> str:
    """A query in which everything is this."""
    return "&".join(f"{name}={value}" for name in QUERY_NAMES)


ODD_VALUES = (
    "%00",
    "%ff",
    "-1",
    "999999999999999999999",
    "nan",
    "1e999",
    "%F0%9F%94%8C",
    "9999-12-31",
    "[]",
    "%ed%a0%80",
)


@pytest.mark.parametrize("query", [*ODD_QUERIES, *(all_with(value) for value in ODD_VALUES)])
async def test_odd_queries(reader: Reader, query: str) -> None:
    wrong = []
    for page in PAGES:
        if page.method != "GET":
            continue
        response = await reader.ask("GET", URL(f"{plain(page)}?{query}", encoded=True))
        if response.status >= 500 or (response.status != 303 and response.content_type != "text/html"):
            wrong.append((page.path, response.status, response.content_type, (await response.text())[:100]))
    assert not wrong, wrong


URLENCODED = "application/x-www-form-urlencoded"
PARTED = "multipart/form-data; boundary=x"


def parted(disposition: bytes, header: bytes = b"X: y", content: bytes = b"a") -> tuple[bytes, str]:
    """A form of one part."""
    head = b"--x\r\nContent-Disposition: form-data; " + disposition + b"\r\n" + header
    return head + b"\r\n\r\n" + content + b"\r\n--x--\r\n", PARTED


ODD_BODIES = {
    "nothing": (None, None),
    "no fields": (b"", URLENCODED),
    "no UTF-8": (b"name=\xff\xfe&station=\xff&id_tag=%ff&password=%ff", URLENCODED),
    "unknown charset": (b"name=a", f"{URLENCODED}; charset=klingon"),
    "bad charset": (b"name=a", f"{URLENCODED}; charset=hex"),
    "utf-16": (b"name=a", f"{URLENCODED}; charset=utf-16"),
    "JSON": (b'{"name": 1}', "application/json"),
    "text": (b"hello", "text/plain"),
    "no content type": (b"\x00\x01", "nonsense"),
    "many fields": ("&".join(f"f{n}={n}" for n in range(10_000)).encode(), URLENCODED),
    "same field": (b"&".join(b"name=a&station=b&role=c&action=Reset" for n in range(1_000)), URLENCODED),
    "huge": (b"name=" + b"x" * 900_000, URLENCODED),
    "large": (b"name=" + b"x" * 200_000 + b"&id_tag=" + b"x" * 200_000, URLENCODED),
    "no boundary": (b"--x\r\n\r\n", "multipart/form-data"),
    "wrong boundary": (b"--x\r\n\r\n", "multipart/form-data; boundary=y"),
    "long boundary": (b"--x\r\n\r\n", "multipart/form-data; boundary=" + "y" * 200),
    "cut": (b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\nab', PARTED),
    "no name": (b"--x\r\nContent-Type: text/plain\r\n\r\nab\r\n--x--\r\n", PARTED),
    "no UTF-8 part": parted(b'name="name"', content=b"\xff"),
    "part charset": parted(b'name="name"', b"Content-Type: text/plain; charset=klingon"),
    "part encoding": parted(b'name="name"', b"Content-Transfer-Encoding: klingon"),
    "part base64": parted(b'name="name"', b"Content-Transfer-Encoding: base64"),
    "part gzip": parted(b'name="name"', b"Content-Encoding: gzip"),
    "nested": parted(b'name="name"', b"Content-Type: multipart/mixed; boundary=y", b"--y\r\n\r\na\r\n--y--"),
    "file": parted(b'name="file"; filename="a\xff.csv"', b"Content-Type: text/csv", b"\xff"),
    "file for a text": parted(b'name="name"; filename="<script>"', b"Content-Type: text/html", b"x"),
    "mixed": (b"--x\r\n\r\na\r\n--x--\r\n", "multipart/mixed; boundary=x"),
}  # fmt: skip


READS_IN_ITS_OWN_WAY = {
    "/login", "/access/import", "/access/lists", "/firmware/upload", "/system/backup/restore", "/campaigns",
    "/stations/{station}/actions/{deed}",
}  # fmt: skip


@pytest.mark.parametrize("name", ODD_BODIES)
async def test_odd_bodies(reader: Reader, name: str) -> None:
    body, content_type = ODD_BODIES[name]
    everywhere = name in ("nothing", "no UTF-8", "large")
    wrong = []
    for page in PAGES:
        if page.method != "POST" or not (everywhere or page.path in READS_IN_ITS_OWN_WAY):
            continue
        headers = {"Content-Type": content_type} if content_type else {}
        response = await reader.ask("POST", plain(page), data=body and io.BytesIO(body), headers=headers)
        text = (await response.read())[:100]
        download = response.headers.get("Content-Disposition", "").startswith("attachment")
        if response.status >= 500 or not (response.status == 303 or response.content_type == "text/html" or download):
            wrong.append((page.path, response.status, response.content_type, text))
    assert not wrong, wrong


@pytest.mark.parametrize("path", ["/login", "/welcome", "/preferences"])
async def test_a_stranger_sends_no_large_form(reader: Reader, path: str) -> None:
    large = {"Content-Type": URLENCODED}
    for body in (b"a=" + b"x" * MOST_FORM_BYTES, b"a=1&" * MOST_FIELDS):
        response = await reader.ask("POST", path, role=None, data=body, headers=large)
        assert response.status == 413 and response.content_type == "text/html"
    packed = zlib.compress(b"a=" + b"x" * MOST_FORM_BYTES)
    response = await reader.ask("POST", path, role=None, data=packed, headers={**large, "Content-Encoding": "deflate"})
    assert response.status == 413


async def test_a_large_form_is_refused_unread(reader: Reader) -> None:
    server = reader.client.server
    incoming, outgoing = await asyncio.open_connection(server.host, server.port)
    length = f"Content-Length: {MOST_FORM_BYTES + 1}"
    outgoing.write(f"POST /login HTTP/1.1\r\nHost: a\r\nContent-Type: {URLENCODED}\r\n{length}\r\n\r\n".encode())
    async with asyncio.timeout(20):
        assert (await incoming.readline()).startswith(b"HTTP/1.1 413")
    outgoing.close()


async def test_a_form_without_a_length_is_refused(reader: Reader) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"name=a"

    response = await reader.ask("POST", "/login", role=None, data=pieces(), headers={"Content-Type": URLENCODED})
    assert response.status == 411


async def test_a_stranger_sends_no_large_document(reader: Reader) -> None:
    for path in ("/api/v1/session", "/api/v1/session/redeem"):
        response = await reader.ask("POST", path, role=None, json={"name": "x" * 70_000})
        assert response.status == 413
