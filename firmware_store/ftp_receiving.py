"""What happens to a file when its last byte has come: flushed, handed over, and only then answered for.

A station whose control connection ended with the data has died: the file stays partial. It does not know how bytes
come in.
"""

from __future__ import annotations

import logging
import select
import socket
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

from firmware_store.desk_client import DeskClient
from firmware_store.ftp_errands import Errands
from firmware_store.ftp_library import IOLoop
from firmware_store.ftp_uploads import PARTIAL_SECONDS, PartialFile, Whole, complete, make_partial_again
from firmware_store.tickets import NoRoom, Received, Scheme

logger = logging.getLogger(__name__)

# the ends of the two connections of a station that died come one after the other
_GRACE_SECONDS = 0.1
_PATIENCE_SECONDS = 15.0  # the daemon may be starting again
_ASK_AGAIN_SECONDS = 0.5
_OFFER_AGAIN_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Handover:
    """One complete file on its way to the desk; `answer` is called with the response and the size kept (None: not)."""

    loop: IOLoop
    errands: Errands
    desk: DeskClient
    token: str
    file: PartialFile
    scheme: Scheme
    address: str
    station_lives: Callable[[], bool]
    answer: Callable[[str, int | None], None]

    def begin(self) -> None:
        """Flush it; whatever follows is told by `answer`."""
        self.errands.run(lambda: complete(self.file.path), self._flushed)

    def _flushed(self, future: Future[Whole]) -> None:
        try:
            whole = future.result()
        except OSError as error:
            logger.error("an upload of %s cannot be kept: %s", self.file.ticket.station, error)
            self.answer("451 The disk failed.", None)
            return
        self.loop.call_later(_GRACE_SECONDS, self._hand_over, whole)

    def _hand_over(self, whole: Whole) -> None:
        if not self.station_lives():
            make_partial_again(whole.path, self.file.path)
            self.answer("426 The connection broke.", None)
            return
        self.errands.run(lambda: self._ask(whole), lambda future: self._taken(future, whole))

    def _received(self, whole: Whole) -> Received:
        return Received(
            link_id=self.file.ticket.link_id,
            path=whole.path,
            file_name=self.file.name.rpartition("/")[2],
            size=whole.size,
            sha256=whole.sha256,
            scheme=self.scheme,
            address=self.address,
        )

    def _ask(self, whole: Whole) -> None:
        received = self._received(whole)
        until = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                self.desk.received(self.token, received)
                return
            except OSError:
                # gone: it was taken, or refused, and only the answer was lost; nobody knows which
                if time.monotonic() > until or not whole.path.exists():
                    raise
            time.sleep(_ASK_AGAIN_SECONDS)

    def _taken(self, future: Future[None], whole: Whole) -> None:
        try:
            future.result()
        except NoRoom as error:
            logger.warning("an upload of %s was not taken: %s", self.file.ticket.station, error)
            whole.path.unlink(missing_ok=True)
            self.answer("552 There is no room for the file.", None)
        except OSError as error:
            logger.warning("an upload of %s could not be handed over: %s", self.file.ticket.station, error)
            # a station that asks how much is there must not find all of it, and send nothing
            self._offer_later(whole, time.monotonic() + PARTIAL_SECONDS)
            self.answer("451 The gateway does not take the file now, try again later.", None)
        else:
            logger.info("%s uploaded %d bytes", self.file.ticket.station, whole.size)
            self.answer("226 Transfer complete.", whole.size)

    def _offer_later(self, whole: Whole, until: float) -> None:
        def taken(future: Future[None]) -> None:
            try:
                future.result()
            except NoRoom as error:
                logger.warning("an upload of %s was not taken: %s", self.file.ticket.station, error)
                whole.path.unlink(missing_ok=True)
            except OSError:
                if whole.path.exists() and time.monotonic() < until:
                    self._offer_later(whole, until)
            else:
                logger.info("%s uploaded %d bytes", self.file.ticket.station, whole.size)

        def offer() -> None:
            self.errands.run(lambda: self.desk.received(self.token, self._received(whole)), taken)

        self.loop.call_later(_OFFER_AGAIN_SECONDS, offer)


def has_hung_up(raw: socket.socket) -> bool:
    """Whether the other side will say nothing more, whatever it said before."""
    poll = select.poll()
    poll.register(raw, select.POLLRDHUP)
    return bool(poll.poll(0))


def still_there(raw: socket.socket) -> bool:
    """Whether the other side has not hung up without a word, as far as is known now; nothing is read."""
    try:
        return raw.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False
