"""An http server that knows Range and If-Range, and breaks connections when told to: for downloads that resume."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class RangeServer:
    """Gives `content` at every path. `breaks_after`: bytes per answer, then the connection breaks; None: never.

    `marks`: headers that tell this content from another; `lies`: it answers a range with another one.
    """

    content: bytes
    port: int = 0
    breaks_after: int | None = None
    marks: dict[str, str] = field(default_factory=lambda: {"ETag": '"one"'})
    chunked: bool = False
    lies: bool = False
    asked: list[str | None] = field(default_factory=list)  # the Range of each request

    @property
    def url(self) -> str:
        """Where the file is."""
        return f"http://127.0.0.1:{self.port}/firmware.bin"


def _begin(server: RangeServer, wanted: str | None, if_range: str | None) -> int:
    found = re.fullmatch(r"bytes=(\d+)-", wanted or "")
    if found is None or (if_range is not None and if_range not in server.marks.values()):
        return 0
    return int(found[1])


@contextmanager
def range_server(content: bytes) -> Iterator[RangeServer]:
    """The server, for the length of the block."""
    told = RangeServer(content)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            told.asked.append(self.headers["Range"])
            begin = _begin(told, self.headers["Range"], self.headers["If-Range"])
            if begin and begin >= len(told.content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(told.content)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(206 if begin else 200)
            for name, value in told.marks.items():
                self.send_header(name, value)
            if begin:
                shown = begin + 1 if told.lies else begin
                self.send_header("Content-Range", f"bytes {shown}-{len(told.content) - 1}/{len(told.content)}")
            with suppress(ConnectionError):
                self._send(told.content[begin:])

        def _send(self, body: bytes) -> None:
            sent = body if told.breaks_after is None else body[: told.breaks_after]
            if told.chunked:
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                self.wfile.write(b"%x\r\n%s\r\n" % (len(sent), sent))
                if sent == body:
                    self.wfile.write(b"0\r\n\r\n")
            else:
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(sent)
            self.close_connection = True

        def log_message(self, *rest: object) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
