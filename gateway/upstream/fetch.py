"""Fetches a file over http or https, bounded in size and time, and believes it only with its digest.

It runs in a thread. What the file is, and when to try again, is not known here.
"""

from __future__ import annotations

import hashlib
import http.client
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import IO, Any

_CHUNK_BYTES = 65_536
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
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(), urllib.request.HTTPHandler(), urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(), urllib.request.HTTPErrorProcessor(), SameKind(),
    ):  # fmt: skip
        opener.add_handler(handler)
    try:
        with opener.open(url, timeout=min(_SILENCE_SECONDS, patience_seconds)) as answer:
            digest = _copy(answer, destination, most_bytes, until)
    except NotFetched:
        raise
    except urllib.error.HTTPError as error:
        with error:
            raise NotFetched("fetch_failed", f"the server answered {error.code}") from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise NotFetched("fetch_failed", f"could not be fetched: {error}") from error
    if digest != sha256.lower():
        raise NotFetched("wrong_digest", f"the file has the SHA-256 {digest}, not the one that was announced")
    return destination


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
