"""Fetches a file over http or https, bounded in size and time: at once and believed only with its digest, or in tries.

It runs in a thread. What the file is, and when to try again, is not known here.
"""

from __future__ import annotations

import hashlib
import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

_CHUNK_BYTES = 65_536
_ASK_EVERY_BYTES = 4 * 1024 * 1024
_PARTIAL_CONTENT, _RANGE_NOT_SATISFIABLE = 206, 416
_SILENCE_SECONDS = 20.0


class NotFetched(Exception):
    """There is no such file to be had now; the code is for programs, the reason for people."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def fetch(url: str, destination: Path, *, sha256: str, most_bytes: int, patience_seconds: float) -> Path:
    """Write the file to `destination`; raises NotFetched, also when it is not the one that was announced."""
    until = time.monotonic() + patience_seconds
    with _trouble_told(), _opener().open(url, timeout=min(_SILENCE_SECONDS, patience_seconds)) as answer:
        digest = _copy(answer, destination, most_bytes, until)
    if digest != sha256.lower():
        raise NotFetched("wrong_digest", f"the file has the SHA-256 {digest}, not the one that was announced")
    return destination


def fetch_on(
    url: str,
    part: Path,
    *,
    mark: str | None,
    note_mark: Callable[[str | None], None],
    may_go_on: Callable[[int], bool],
    most_bytes: int,
) -> None:
    """Append to `part` what is missing of the file; what has arrived stays there when it fails. Raises NotFetched.

    `mark`: what `note_mark` was told when the bytes that are there began to arrive: the server gives the rest only if
    the file is still that one, else all of it. `may_go_on` is asked every few megabytes, and may raise what it likes.
    """
    have = part.stat().st_size if mark is not None else 0
    if have:
        ranged = urllib.request.Request(url, headers={"Range": f"bytes={have}-", "If-Range": mark or ""})
        with _trouble_told():
            try:
                with _opener().open(ranged, timeout=_SILENCE_SECONDS) as answer:
                    go_on_at = _go_on_at(answer, have)
                    _append(answer, part, go_on_at, _Bounds(note_mark, may_go_on, most_bytes))
                    return
            except urllib.error.HTTPError as error:
                with error:
                    if error.code != _RANGE_NOT_SATISFIABLE:
                        raise
                    if error.headers.get("Content-Range") == f"bytes */{have}":
                        return  # nothing is missing
    with _trouble_told(), _opener().open(url, timeout=_SILENCE_SECONDS) as answer:
        _append(answer, part, 0, _Bounds(note_mark, may_go_on, most_bytes))


class _Bounds(NamedTuple):
    note_mark: Callable[[str | None], None]
    may_go_on: Callable[[int], bool]
    most_bytes: int


def _go_on_at(answer: Any, have: int) -> int:
    """From which byte on the answer is. Raises NotFetched when it is not what was asked for."""
    if answer.status != _PARTIAL_CONTENT:
        return 0
    if not str(answer.headers.get("Content-Range", "")).startswith(f"bytes {have}-"):
        raise NotFetched("fetch_failed", "the server sent another part of the file than it was asked for")
    return have


def _append(answer: Any, part: Path, begin: int, bounds: _Bounds) -> None:
    length = answer.headers.get("Content-Length")
    end = begin + int(length) if length else None
    if end is not None and end > bounds.most_bytes:
        raise NotFetched("too_large", f"the file is larger than {bounds.most_bytes} bytes")
    if begin == 0:
        bounds.note_mark(None)  # a kill between these lines leaves no bytes under a mark of others
    with part.open("r+b") as file:
        file.truncate(begin)
        file.seek(begin)
        if begin == 0:
            bounds.note_mark(_mark_of(answer))
        written, asks_at = begin, begin
        while chunk := answer.read1(_CHUNK_BYTES):
            if written >= asks_at:
                asks_at = written + _ASK_EVERY_BYTES
                if not bounds.may_go_on(len(chunk)):
                    raise NotFetched("fetch_failed", "the gateway stops")
            written += len(chunk)
            if written > bounds.most_bytes:
                raise NotFetched("too_large", f"the file is larger than {bounds.most_bytes} bytes")
            file.write(chunk)
    if end is not None and written != end:
        raise NotFetched("fetch_failed", f"the connection broke off after {written} of {end} bytes")


def _mark_of(answer: Any) -> str | None:
    """What tells this file from another one at the same address: a strong ETag, or when it was changed."""
    etag = answer.headers.get("ETag")
    if etag is not None and not etag.startswith("W/"):
        return str(etag)
    changed = answer.headers.get("Last-Modified")
    return None if changed is None else str(changed)


def _opener() -> urllib.request.OpenerDirector:
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(), urllib.request.HTTPHandler(), urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(), urllib.request.HTTPErrorProcessor(), SameKind(),
    ):  # fmt: skip
        opener.add_handler(handler)
    return opener


@contextmanager
def _trouble_told() -> Iterator[None]:
    """Everything that goes wrong becomes NotFetched."""
    try:
        yield
    except urllib.error.HTTPError as error:
        with error:
            raise NotFetched("fetch_failed", f"the server answered {error.code}") from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise NotFetched("fetch_failed", f"could not be fetched: {error}") from error


class SameKind(urllib.request.HTTPRedirectHandler):
    """Follows to http and https only, and never from https to http."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        """The next request, or NotFetched."""
        allowed = ("https://",) if req.full_url.startswith("https://") else ("http://", "https://")
        if not newurl.startswith(allowed):
            fp.close()
            raise NotFetched("fetch_failed", "the server sends elsewhere, to an address that is not safe")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _copy(answer: Any, destination: Path, most_bytes: int, until: float) -> str:
    digest, written = hashlib.sha256(), 0
    with destination.open("wb") as file:
        while chunk := answer.read1(_CHUNK_BYTES):
            written += len(chunk)
            if written > most_bytes:
                raise NotFetched("too_large", f"the file is larger than {most_bytes} bytes")
            if time.monotonic() > until:
                raise NotFetched("fetch_failed", "the file did not come in time")
            digest.update(chunk)
            file.write(chunk)
    return digest.hexdigest()
