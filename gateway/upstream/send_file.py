"""Sends a file to a server by HTTP PUT, streamed from the disk, and says what the server answered.

It runs in a thread and may be stopped from outside. Where the file goes, what the answer means and when to try again is
not known here.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

_CHUNK_BYTES = 65_536
_MOST_WORDS_BYTES = 300


class NotSent(Exception):
    """The server could not be asked, or did not answer; the text is for people."""


class FileGone(Exception):
    """The file is not, or not whole, on the disk; the text is for people."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said. `wait_seconds`: it asks to be left alone for so long; `words`: the start of its text."""

    status: int
    words: str = ""
    wait_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is sent: `size` bytes of the file at `path` to `url`. `ca`: whom to trust instead of the machine's list."""

    url: str
    path: Path
    size: int
    headers: Mapping[str, str]
    ca: Path | None = None
    silence_seconds: float = 30.0


@dataclass(slots=True)
class Sending:
    """One try. `stop` may be called from another thread at any time, and ends it soon."""

    parcel: Parcel
    _stopped: threading.Event = field(default_factory=threading.Event)
    _connection: http.client.HTTPConnection | None = None

    def run(self) -> Answer:
        """Send it; raises NotSent and FileGone. No redirect is followed."""
        try:
            with self.parcel.path.open("rb") as file:
                self._check(file.seek(0, 2))
                file.seek(0)
                return self._exchange(file)
        except FileNotFoundError as error:
            raise FileGone("the file is not on the disk any more") from error
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise NotSent(_in_words(error)) from error

    def stop(self) -> None:
        """Give up what is under way."""
        self._stopped.set()
        connection = self._connection
        if connection is not None and connection.sock is not None:
            with suppress(OSError):
                socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)  # also of TLS: nothing more is said

    def _check(self, size: int) -> None:
        if size != self.parcel.size:
            raise FileGone(f"the file has {size} bytes, not {self.parcel.size} any more")

    def _exchange(self, file: IO[bytes]) -> Answer:
        connection, path = self._connected()
        try:
            with suppress(BrokenPipeError, ConnectionResetError):  # refused before all was sent: the answer says why
                headers = {**self.parcel.headers, "Content-Length": str(self.parcel.size)}
                connection.request("PUT", path, body=self._pieces(file), headers=headers, encode_chunked=False)
            answer = connection.getresponse()
            words = answer.read(_MOST_WORDS_BYTES)
            asked = answer.headers.get("Retry-After", "").strip()
            return Answer(
                answer.status,
                " ".join("".join(one for one in words.decode("utf-8", "replace") if one.isprintable()).split()),
                int(asked) if asked.isascii() and asked.isdecimal() and len(asked) < 7 else None,
            )
        finally:
            connection.close()

    def _connected(self) -> tuple[http.client.HTTPConnection, str]:
        parts = urlsplit(self.parcel.url)
        timeout = self.parcel.silence_seconds
        connection: http.client.HTTPConnection
        if parts.scheme == "https":
            context = ssl.create_default_context(cafile=self.parcel.ca)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            connection = http.client.HTTPSConnection(parts.netloc, timeout=timeout, context=context)
        else:
            connection = http.client.HTTPConnection(parts.netloc, timeout=timeout)
        self._connection = connection
        connection.connect()
        if self._stopped.is_set():
            connection.close()
            raise NotSent("given up")
        return connection, parts.path + (f"?{parts.query}" if parts.query else "")

    def _pieces(self, file: IO[bytes]) -> Iterator[bytes]:
        left = self.parcel.size
        while left:
            piece = file.read(min(_CHUNK_BYTES, left))
            if not piece:
                raise FileGone("the file became shorter while it was sent")
            if self._stopped.is_set():
                raise NotSent("given up")
            left -= len(piece)
            yield piece


def _in_words(error: BaseException) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the server's certificate is not accepted: {error.verify_message}"
    if isinstance(error, TimeoutError):
        return "the server does not answer in time"
    if isinstance(error, http.client.HTTPException):
        return f"the server's answer is no HTTP: {type(error).__name__}"
    return str(getattr(error, "strerror", None) or error) or type(error).__name__
