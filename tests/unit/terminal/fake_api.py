"""A tiny stand-in for the daemon's HTTP API: canned answers on a unix socket or on TCP, every request remembered."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any


@dataclass
class FakeApi:
    """`answers` maps `METHOD /path?query` (or without the query) to (status, content type, body)."""

    answers: dict[str, tuple[int, str, bytes]] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    port: int = 0

    def will_answer(self, line: str, document: Any, *, status: int = 200, kind: str = "application/json") -> None:
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.answers[line] = (status, kind, body)

    def lines(self) -> list[str]:
        return [line for line, _, _ in self.requests]


def _handler(api: FakeApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            line = f"{self.command} {self.path}"
            api.requests.append((line, dict(self.headers.items()), body))
            default = (404, "application/problem+json", b'{"title": "Not Found", "status": 404, "detail": "nothing"}')
            status, kind, answer = api.answers.get(line) or api.answers.get(line.partition("?")[0]) or default
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

        def address_string(self) -> str:
            return "peer"

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler


@contextmanager
def serving(directory: Path | None) -> Iterator[FakeApi]:
    """Serve on `directory`/api.sock, or on TCP when it is None."""
    api = FakeApi()
    if directory is None:
        server: socketserver.BaseServer = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _handler(api))
        api.port = server.server_address[1]  # type: ignore[index,assignment]
    else:
        server = socketserver.ThreadingUnixStreamServer(str(directory / "api.sock"), _handler(api))
    server.daemon_threads = True  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
