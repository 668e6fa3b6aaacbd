"""Files over http: bounded, and believed only with their digest."""

from __future__ import annotations

import hashlib
import io
import socket
from collections.abc import Iterator
from email.message import Message
from pathlib import Path
from urllib.request import Request

import pytest

from gateway.upstream.fetch import NotFetched, SameKind, fetch
from tests.fakes.file_server import FileServer, file_server

CONTENT = b"x" * 100_000
SHA = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def server() -> Iterator[FileServer]:
    with file_server() as server:
        server.files["/file"] = CONTENT
        yield server


def got(url: str, tmp_path: Path, *, sha256: str = SHA, most: int = 200_000, patience: float = 5) -> bytes:
    return fetch(url, tmp_path / "f", sha256=sha256, most_bytes=most, patience_seconds=patience).read_bytes()


def test_a_file_with_the_right_digest_is_taken(server: FileServer, tmp_path: Path) -> None:
    assert got(server.url("/file"), tmp_path, sha256=SHA.upper()) == CONTENT
    server.redirects["/moved"] = server.url("/file")
    assert got(server.url("/moved"), tmp_path) == CONTENT


def test_anything_else_is_not(server: FileServer, tmp_path: Path) -> None:
    def code(url: str, **more: int | float) -> str:
        with pytest.raises(NotFetched) as caught:
            got(url, tmp_path, **more)  # type: ignore[arg-type]
        return caught.value.code

    server.files["/other"] = b"y"
    server.redirects |= {"/away": "file:///etc/passwd", "/round": server.url("/round")}
    assert code(server.url("/other")) == "wrong_digest"
    assert code(server.url("/file"), most=99_999) == "too_large"
    assert code(server.url("/none")) == "fetch_failed"
    assert code(server.url("/away")) == "fetch_failed"
    assert code(server.url("/round")) == "fetch_failed"
    assert code(server.url("/file"), patience=0.000001) == "fetch_failed"
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        assert code(f"http://127.0.0.1:{nobody.getsockname()[1]}/") == "fetch_failed"
    assert code("http://[broken/") == "fetch_failed"


@pytest.mark.parametrize(
    ("begun", "sent_to", "followed"),
    [
        ("https://fleet.example/7", "https://other.example/7", True),
        ("https://fleet.example/7", "http://fleet.example/7", False),
        ("http://fleet.example/7", "https://fleet.example/7", True),
        ("http://fleet.example/7", "ftp://fleet.example/7", False),
    ],
)
def test_nobody_is_sent_out_of_tls(begun: str, sent_to: str, followed: bool) -> None:
    request, body, headers = Request(begun), io.BytesIO(), Message()
    if followed:
        redirected = SameKind().redirect_request(request, body, 302, "Found", headers, sent_to)
        assert redirected is not None and redirected.full_url == sent_to
    else:
        with pytest.raises(NotFetched):
            SameKind().redirect_request(request, body, 302, "Found", headers, sent_to)
