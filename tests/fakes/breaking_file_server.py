"""A small HTTP server for stations on a real socket: it breaks off, resumes or not, and takes files."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class FileServer:
    """Serves `content` at any path. `break_after`: the first answers end after so many bytes."""

    content: bytes = b""
    port: int = 0
    break_after: list[int] = field(default_factory=list)
    resumes: bool = True
    status: int = 200
    only_post: bool = False
    says_length: bool = True
    asked: list[tuple[str, str, str]] = field(default_factory=list)  # method, path, Range
    taken: list[tuple[str, str, bytes]] = field(default_factory=list)  # method, path, body

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answer(self, request: bytes, body: bytes) -> bytes:
        """The whole answer, as bytes on the wire."""
        method, path, _ = request.decode().split(" ", 2)
        wanted = re.search(r"\r\nRange: bytes=(\d+)-\r\n", request.decode() + "\r\n")
        self.asked.append((method, path, wanted[1] if wanted else ""))
        if method == "PUT" and self.only_post:
            return b"HTTP/1.1 405 No\r\nContent-Length: 0\r\n\r\n"
        if method in ("PUT", "POST"):
            self.taken.append((method, path, body))
            return f"HTTP/1.1 {self.status} Fine\r\nContent-Length: 0\r\n\r\n".encode()
        start = int(wanted[1]) if wanted and self.resumes else 0
        status = 206 if wanted and self.resumes and self.status == 200 else self.status
        sent = self.content[start:]
        head = f"HTTP/1.1 {status} Fine\r\n"
        if self.says_length:
            head += f"Content-Length: {len(sent)}\r\n"
        if status == 206:
            head += f"Content-Range: bytes {start}-{len(self.content) - 1}/{len(self.content)}\r\n"
        cut = self.break_after.pop(0) if self.break_after else len(sent)
        return head.encode() + b"\r\n" + sent[:cut]


@contextmanager
def file_server(content: bytes = b"") -> Iterator[FileServer]:
    """Serve on a free port of loopback."""
    served = FileServer(content)
    listener = socket.create_server(("127.0.0.1", 0))
    served.port = listener.getsockname()[1]

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection, suppress(OSError):
                    connection.sendall(served.answer(*_read(connection)))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield served
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def _read(connection: socket.socket) -> tuple[bytes, bytes]:
    """The head of a request, and its body."""
    got = b""
    while b"\r\n\r\n" not in got:
        piece = connection.recv(65_536)
        if not piece:
            raise OSError("hung up")
        got += piece
    head, _, body = got.partition(b"\r\n\r\n")
    length = re.search(rb"\r\nContent-Length: (\d+)", head)
    while len(body) < (int(length[1]) if length else 0):
        body += connection.recv(65_536)
    return head, body
