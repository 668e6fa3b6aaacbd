"""How a simulated station fetches a file and uploads one: by HTTP, HTTPS, FTP or explicit FTPS, as small stations do.

A download that breaks goes on where it ended (Range, REST). Certificates of servers are not looked at. Everything here
blocks, and runs in a thread; what is told of it is not known here.
"""

from __future__ import annotations

import ftplib
import hashlib
import http.client
import io
import ssl
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from urllib.parse import SplitResult, quote, unquote, urlsplit

_CHUNK_BYTES = 16_384
_SILENCE_SECONDS = 20.0
_TRIES = 5
_PAUSE_SECONDS = 0.2
_PARTIAL, _RANGE_NOT_SATISFIABLE, _METHOD_NOT_ALLOWED = 206, 416, 405

SCHEMES = frozenset({"ftp", "ftps", "http", "https"})


class Failed(Exception):
    """The file did not come, or did not go; the text is for people."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What was fetched; the bytes themselves are not kept."""

    size: int
    sha256: str
    tries: int


class _Broken(Exception):
    """The transfer ended early; it may be tried again."""


class _Parts:
    """What has come so far."""

    def __init__(self) -> None:
        self.begin_anew()

    def begin_anew(self) -> None:
        """What came belongs to nothing."""
        self.size = 0
        self._digest = hashlib.sha256()

    def take(self, piece: bytes) -> None:
        """The next bytes."""
        self.size += len(piece)
        self._digest.update(piece)

    def whole(self, tries: int) -> Fetched:
        """All of it has come."""
        return Fetched(self.size, self._digest.hexdigest(), tries)


def fetch(location: str) -> Fetched:
    """Fetch the file, resuming when it breaks; raises Failed."""
    parts, target = _Parts(), _target(location)
    trouble = ""
    for tries in range(1, _TRIES + 1):
        try:
            size = (_fetch_by_http if target.scheme.startswith("http") else _fetch_by_ftp)(target, parts)
            if parts.size == size:
                return parts.whole(tries)
            trouble = f"{parts.size} of {size} bytes came"
        except ftplib.error_perm as error:
            raise Failed(f"the server refuses: {error}") from error
        except (_Broken, OSError, ftplib.Error, http.client.HTTPException, ValueError) as error:
            trouble = str(error) or type(error).__name__
        time.sleep(_PAUSE_SECONDS)
    raise Failed(trouble)


def send(location: str, name: str, content: bytes) -> None:
    """Upload one file: to the address itself, or below it under its name when that ends with a slash. Raises Failed."""
    target = _target(location)
    path = target.path + quote(name) if target.path.endswith("/") or not target.path else target.path
    try:
        if target.scheme.startswith("http"):
            _send_by_http(target, path, content)
        else:
            with _ftp(target) as ftp:
                ftp.storbinary(f"STOR {unquote(path).lstrip('/')}", io.BytesIO(content))
    except (OSError, ftplib.Error, http.client.HTTPException, ValueError) as error:
        raise Failed(str(error) or type(error).__name__) from error


def _target(location: str) -> SplitResult:
    target = urlsplit(location)
    if target.scheme not in SCHEMES or not target.hostname:
        raise Failed(f"no address for files: {location}")
    return target


def _fetch_by_http(target: SplitResult, parts: _Parts) -> int:
    """Ask for what is missing; returns how large the whole file is."""
    with _http(target) as connection:
        headers = {"Range": f"bytes={parts.size}-"} if parts.size else {}
        connection.request("GET", _path_of(target), headers=headers)
        answer = connection.getresponse()
        if answer.status == _RANGE_NOT_SATISFIABLE:
            parts.begin_anew()
            raise _Broken("the server has less than came")
        if answer.status == _PARTIAL:
            span, _, whole = answer.headers.get("Content-Range", "").removeprefix("bytes ").partition("/")
            if span.partition("-")[0] != str(parts.size):
                raise Failed(f"the server sends other bytes than asked for: {span}")
            size = int(whole)
        elif 200 <= answer.status < 300:
            parts.begin_anew()  # it does not resume
            size = int(answer.headers.get("Content-Length", "-1"))
        elif 400 <= answer.status < 500:
            raise Failed(f"the server answers {answer.status}")
        else:
            raise _Broken(f"the server answers {answer.status}")
        if size < 0:
            raise Failed("the server does not say how large the file is")
        while piece := answer.read1(_CHUNK_BYTES):
            parts.take(piece)
        return size


def _fetch_by_ftp(target: SplitResult, parts: _Parts) -> int:
    path = unquote(target.path).lstrip("/")
    with _ftp(target) as ftp:
        ftp.voidcmd("TYPE I")
        size = ftp.size(path)
        if size is None:
            raise Failed("the server does not say how large the file is")
        if parts.size < size:
            ftp.retrbinary(f"RETR {path}", parts.take, _CHUNK_BYTES, rest=parts.size or None)
        return size


def _send_by_http(target: SplitResult, path: str, content: bytes) -> None:
    for method in ("PUT", "POST"):
        with _http(target) as connection:
            headers = {"Content-Type": "application/octet-stream", "Content-Length": str(len(content))}
            connection.request(method, path or "/", body=content, headers=headers)
            status = connection.getresponse().status
        if status != _METHOD_NOT_ALLOWED:
            break
    if not 200 <= status < 300:
        raise Failed(f"the server answers {status}")


def _path_of(target: SplitResult) -> str:
    return (target.path or "/") + (f"?{target.query}" if target.query else "")


@contextmanager
def _http(target: SplitResult) -> Iterator[http.client.HTTPConnection]:
    """A connection for the length of the block."""
    host = target.netloc.rpartition("@")[2]
    connection: http.client.HTTPConnection
    if target.scheme == "https":
        connection = http.client.HTTPSConnection(host, timeout=_SILENCE_SECONDS, context=_any_server())
    else:
        connection = http.client.HTTPConnection(host, timeout=_SILENCE_SECONDS)
    with closing(connection):
        yield connection


def _ftp(target: SplitResult) -> ftplib.FTP:
    """Logged in, passive; with TLS also for the data where the address says so."""
    ftp = ftplib.FTP_TLS(context=_any_server()) if target.scheme == "ftps" else ftplib.FTP()
    ftp.connect(str(target.hostname), target.port or 21, timeout=_SILENCE_SECONDS)
    try:
        ftp.login(unquote(target.username or "anonymous"), unquote(target.password or "station"))
        if isinstance(ftp, ftplib.FTP_TLS):
            ftp.prot_p()
    except BaseException:
        ftp.close()
        raise
    return ftp


def _any_server() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
