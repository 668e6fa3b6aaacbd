"""The command line's way to a gateway: HTTP over the daemon's unix socket, or over TCP with a token.

Only the standard library, so that a command starts at once. Every failure comes out as an `Ending` with one sentence.
It does not know what the documents mean, nor how to find the gateway (see `reaching`).
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import ssl
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from gateway.terminal.exits import Ending, negative, no_permission, unreachable, usage

API = "/api/v1"
# sun_path holds 108 bytes with the closing zero on Linux; below 100 no kernel complains
_LONGEST_SOCKET_PATH = 100
PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Gateway:
    """Where the gateway is: a unix socket (its peers are trusted), or a URL with a token."""

    socket_path: Path | None = None
    url: str | None = None
    token: str | None = None

    def __str__(self) -> str:
        return self.url or str(self.socket_path)


@dataclass(frozen=True, slots=True)
class Response:
    """Status and JSON document; `document` is None for an empty body, text when it is not JSON."""

    status: int
    document: object


def ask(
    gateway: Gateway,
    method: str,
    path: str,
    *,
    body: object = None,
    text: bytes | None = None,
    content_type: str = "application/json",
    patience_seconds: float | None = PATIENCE_SECONDS,
) -> Response:
    """One request, any status. Raises Ending when nobody answers or the token does not allow it."""
    sent = text if text is not None else None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": content_type} if sent is not None else {}
    with _exchange(gateway, method, path, body=sent, headers=headers, patience_seconds=patience_seconds) as answer:
        content = answer.read()
        response = Response(answer.status, _document(content, answer.headers.get_content_type()))
    if response.status in (401, 403):
        raise no_permission(_refusal(gateway, response))
    return response


def is_there(gateway: Gateway) -> bool:
    """Whether a gateway is there, within a few seconds."""
    try:
        ask(gateway, "GET", "/livez", patience_seconds=3)
    except Ending:
        return False
    return True


def fetch(gateway: Gateway, path: str, *, patience_seconds: float | None = PATIENCE_SECONDS) -> object:
    """GET a document. Raises Ending also when the answer is an error."""
    return expect(ask(gateway, "GET", path, patience_seconds=patience_seconds))


def expect(response: Response) -> object:
    """The document of a 2xx answer; anything else is an Ending with the gateway's own words."""
    if 200 <= response.status < 300:
        return response.document
    raise negative(problem_text(response), status=response.status)


def problem_text(response: Response) -> str:
    """What an RFC 9457 document says: its detail, then one line for every single mistake."""
    document = response.document
    if isinstance(document, Mapping) and (document.get("detail") or document.get("title")):
        errors = document.get("errors")
        single = [_error_text(error) for error in errors] if isinstance(errors, list) else []
        return "\n".join([str(document.get("detail") or document.get("title")), *single])
    return f"the gateway answered HTTP {response.status}"


@contextmanager
def stream(gateway: Gateway, path: str) -> Iterator[Iterator[tuple[str | None, str]]]:
    """Server-sent events as (event id, data) pairs, for as long as the gateway sends them."""
    headers = {"Accept": "text/event-stream"}
    with _exchange(gateway, "GET", path, body=None, headers=headers, patience_seconds=None) as answer:
        _stop_on_error(gateway, answer)
        yield _events(answer)


@contextmanager
def download(gateway: Gateway, path: str) -> Iterator[tuple[int | None, Iterator[bytes]]]:
    """A body in pieces, with its length in bytes when the gateway tells it."""
    with _exchange(gateway, "GET", path, body=None, headers={}, patience_seconds=None) as answer:
        _stop_on_error(gateway, answer)
        length = answer.headers.get("Content-Length")
        yield (int(length) if length else None), iter(lambda: answer.read(65_536), b"")


def upload(
    gateway: Gateway,
    path: str,
    pieces: Iterable[bytes],
    *,
    length: int,
    content_type: str,
    method: str = "POST",
    more_headers: Mapping[str, str] | None = None,
) -> object:
    """Send `length` bytes in pieces; the answer's document."""
    headers = {"Content-Type": content_type, "Content-Length": str(length), **(more_headers or {})}
    with _exchange(gateway, method, path, body=pieces, headers=headers, patience_seconds=None) as answer:
        _stop_on_error(gateway, answer)
        return _document(answer.read(), answer.headers.get_content_type())


@contextmanager
def _exchange(
    gateway: Gateway,
    method: str,
    path: str,
    *,
    body: bytes | Iterable[bytes] | None,
    headers: dict[str, str],
    patience_seconds: float | None,
) -> Iterator[http.client.HTTPResponse]:
    connection, prefix = _connection(gateway, patience_seconds)
    if gateway.token:
        headers = {**headers, "Authorization": f"Bearer {gateway.token}"}
    try:
        try:
            connection.request(method, prefix + path, body=body, headers=headers)
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused before the whole body was sent: the answer says why
        yield connection.getresponse()
    except TimeoutError as error:
        raise unreachable(f"the gateway at {gateway} does not answer within {patience_seconds:.0f} s") from error
    except (http.client.HTTPException, OSError) as error:
        raise unreachable(
            f"the connection to the gateway at {gateway} broke: {error or type(error).__name__}"
        ) from error
    finally:
        connection.close()


def _connection(gateway: Gateway, patience_seconds: float | None) -> tuple[http.client.HTTPConnection, str]:
    """An open connection and the path that precedes /api/v1."""
    if gateway.url is None:
        assert gateway.socket_path is not None
        connection = http.client.HTTPConnection("localhost", timeout=patience_seconds)
        connection.sock = _unix_socket(gateway.socket_path, patience_seconds)
        return connection, ""
    parts = urlsplit(gateway.url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise usage(f"--url: expected an address such as http://192.168.1.10:8080, got {gateway.url}")
    if parts.scheme == "https":
        context = ssl.create_default_context()
        connection = http.client.HTTPSConnection(parts.netloc, timeout=patience_seconds, context=context)
    else:
        connection = http.client.HTTPConnection(parts.netloc, timeout=patience_seconds)
    try:
        connection.connect()
    except OSError as error:
        raise unreachable(f"nobody answers at {gateway.url}: {error.strerror or error}") from error
    return connection, parts.path.rstrip("/").removesuffix(API)


def _unix_socket(path: Path, patience_seconds: float | None) -> socket.socket:
    opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    opened.settimeout(patience_seconds)
    try:
        _connect(opened, path)
    except PermissionError as error:
        opened.close()
        raise no_permission(
            f"no permission to use {path}: run this as root or as a member of the group ocpp-gateway"
        ) from error
    except OSError as error:
        opened.close()
        raise unreachable(f"the gateway does not run: nobody answers at {path}") from error
    return opened


def _connect(opened: socket.socket, path: Path) -> None:
    if len(os.fsencode(path)) <= _LONGEST_SOCKET_PATH:
        opened.connect(str(path))
        return
    directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        opened.connect(f"/proc/self/fd/{directory}/{path.name}")
    finally:
        os.close(directory)


def _stop_on_error(gateway: Gateway, answer: http.client.HTTPResponse) -> None:
    if 200 <= answer.status < 300:
        return
    response = Response(answer.status, _document(answer.read(), answer.headers.get_content_type()))
    if response.status in (401, 403):
        raise no_permission(_refusal(gateway, response))
    raise negative(problem_text(response), status=response.status)


def _refusal(gateway: Gateway, response: Response) -> str:
    if response.status == 401 and gateway.token is None:
        return "a token is needed: --token-file FILE or OCPP_GATEWAY_TOKEN (ocpp-gateway token create makes one)"
    if response.status == 401:
        return f"the gateway at {gateway} does not know this token"
    return f"this token may not do that: {problem_text(response)}"


def _error_text(error: object) -> str:
    if not isinstance(error, Mapping):
        return f"  {error}"
    line = f"line {error['line']}: " if error.get("line") else ""
    field = f"{error['field']}: " if error.get("field") else ""
    return f"  {line}{field}{error.get('detail', '')}"


def _document(content: bytes, content_type: str) -> object:
    if not content:
        return None
    if not content_type.endswith("json"):
        return content.decode("utf-8", "replace")
    try:
        return json.loads(content)
    except ValueError as error:
        raise Ending(1, "the gateway's answer is not JSON") from error


def _events(answer: http.client.HTTPResponse) -> Iterator[tuple[str | None, str]]:
    event_id: str | None = None
    data: list[str] = []
    while line := answer.readline():
        field, _, value = line.decode("utf-8", "replace").rstrip("\r\n").partition(":")
        value = value.removeprefix(" ")
        if field == "id":
            event_id = value
        elif field == "data":
            data.append(value)
        elif not field and not value and data:
            yield event_id, "\n".join(data)
            data = []
