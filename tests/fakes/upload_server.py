"""A fleet manager's server for forwarded files on a real socket: it answers as it is told, and keeps what it took."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

# beside a status: what the server does instead of answering
HANG_UP, TALK_NONSENSE, SAY_NOTHING, CUT_OFF = "hang up", "talk nonsense", "say nothing", "cut off"
REFUSE_EARLY = "refuse early"  # with 413, before the body was read
Fate = int | str


@dataclass
class Put:
    """One request as it came."""

    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class UploadServer:
    """`fates`: what happens to the next requests, 201 when there are none left. `puts`: the whole requests."""

    port: int = 0
    scheme: str = "http"
    fates: list[Fate] = field(default_factory=list)
    answer_headers: dict[str, str] = field(default_factory=dict)
    puts: list[Put] = field(default_factory=list)
    quiet: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/in"


@contextmanager
def upload_server(
    certificate: tuple[Path, Path] | None = None, fates: list[Fate] | None = None
) -> Iterator[UploadServer]:
    """Serve on a free port; `certificate`: chain and key, for https."""
    told = UploadServer(fates=fates or [])

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_PUT(self) -> None:
            fate = told.fates.pop(0) if told.fates else 201
            if fate == REFUSE_EARLY:
                self.wfile.write(b"HTTP/1.1 413 No\r\nContent-Length: 8\r\nConnection: close\r\n\r\ntoo much")
                self.wfile.flush()
                return self._end()
            if fate == CUT_OFF:
                self.rfile.read(1)
                return self._end()
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told.puts.append(Put(self.path, dict(self.headers), body))
            if fate == SAY_NOTHING:
                told.quiet.wait(20)
            if fate == TALK_NONSENSE:
                self.wfile.write(b"SSH-2.0-OpenSSH\r\n")
            if not isinstance(fate, int):
                return self._end()
            words = f"status {fate}".encode()
            self.send_response(fate)
            for name, value in {**told.answer_headers, "Content-Length": str(len(words))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(words if fate != 204 else b"")
            return None

        def _end(self) -> None:
            self.close_connection = True
            with suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        told.scheme = "https"
    told.port = server.server_address[1]
    thread = threading.Thread(target=lambda: server.serve_forever(0.02), daemon=True)
    thread.start()
    try:
        yield told
    finally:
        told.quiet.set()
        server.shutdown()
        server.server_close()
        thread.join()
