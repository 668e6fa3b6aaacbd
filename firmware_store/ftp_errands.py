"""Work that may block (the desk, flushing, digests) is done by threads; the loop of the FTP server never waits for it.

What the work is, and what its result means, is not known here.
"""

from __future__ import annotations

import logging
import queue
import socket
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from firmware_store.ftp_library import AsyncChat, IOLoop

logger = logging.getLogger(__name__)

_THREADS = 12

Then = Callable[[Future[Any]], None]


class Errands:
    """Sends threads on errands; what they bring is handled on the loop, in the order in which they come back."""

    def __init__(self, loop: IOLoop) -> None:
        self._back: queue.SimpleQueue[tuple[Future[Any], Then]] = queue.SimpleQueue()
        reading, self._writing = socket.socketpair()
        self._writing.setblocking(False)
        self._threads = ThreadPoolExecutor(_THREADS, "ftp-errand")
        self.under_way = 0
        self._doorbell = _Doorbell(reading, loop, self._handle)

    def run(self, errand: Callable[[], object], then: Then) -> None:
        """Do `errand` in a thread, then `then` with its future on the loop."""
        self.under_way += 1
        self._threads.submit(errand).add_done_callback(lambda future: self._come_back(future, then))

    def wake(self) -> None:
        """Let the loop look around now; may be called by any thread."""
        try:
            self._writing.send(b"\0")
        except OSError:
            pass  # the pipe is full, so the loop is woken anyway; or all is closed

    def wake_on_signals(self) -> int:
        """The descriptor for signal.set_wakeup_fd."""
        return self._writing.fileno()

    def close(self) -> None:
        """Wait for the threads that are under way; nothing is handled any more."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._doorbell.close()
        self._writing.close()

    def _come_back(self, future: Future[Any], then: Then) -> None:
        self._back.put((future, then))
        self.wake()

    def _handle(self) -> None:
        while True:
            try:
                future, then = self._back.get_nowait()
            except queue.Empty:
                return
            self.under_way -= 1
            try:
                then(future)
            except Exception:  # a fault about one session must not end the others
                logger.exception("a result could not be handled")


class _Doorbell(AsyncChat):  # type: ignore[misc]  # the library has no types
    """The loop's end of the pipe."""

    def __init__(self, reading: socket.socket, loop: IOLoop, rung: Callable[[], None]) -> None:
        super().__init__(reading, ioloop=loop)
        self._rung = rung

    def handle_read_event(self) -> None:
        """Somebody rang: once for however many rings there were."""
        try:
            self.socket.recv(4096)
        except BlockingIOError:
            return
        self._rung()

    def writable(self) -> bool:
        """Nothing is ever written here."""
        return False
