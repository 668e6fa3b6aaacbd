"""Open tabs without browsers: connections that read the overview's stream as fast as it comes, in a thread."""

from __future__ import annotations

import selectors
import socket
import threading
from types import TracebackType
from urllib.parse import urlsplit

from tests.end_to_end.running_gateway import wait_until


class Readers:
    """So many streams, open within the block. `received`: bytes so far, of all of them."""

    def __init__(self, address: str, token: str, count: int, *, path: str = "/live/") -> None:
        self.received = 0
        self._begun: set[int] = set()
        self._selector = selectors.DefaultSelector()
        self._over = threading.Event()
        self._sockets = [self._opened(address, token, path) for _ in range(count)]
        self._thread = threading.Thread(target=self._read, name="readers", daemon=True)

    def __enter__(self) -> Readers:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        for each in self._sockets:
            each.close()
        self._selector.close()

    def wait_for_all(self) -> None:
        """Until each has got something."""
        wait_until(lambda: len(self._begun) == len(self._sockets), "every stream to begin")

    def _opened(self, address: str, token: str, path: str) -> socket.socket:
        place = urlsplit(address)
        opened = socket.create_connection((place.hostname or "", place.port or 80), timeout=30)
        head = f"GET {path} HTTP/1.1\r\nHost: {place.netloc}\r\nAuthorization: Bearer {token}\r\n\r\n"
        opened.sendall(head.encode())
        self._selector.register(opened, selectors.EVENT_READ)
        return opened

    def _read(self) -> None:
        while not self._over.is_set():
            for key, _ in self._selector.select(0.1):
                ready: socket.socket = key.fileobj  # type: ignore[assignment]
                piece = ready.recv(1 << 16)
                if not piece:
                    self._selector.unregister(ready)
                self.received += len(piece)
                self._begun.add(key.fd)
