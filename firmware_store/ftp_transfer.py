"""The data connection of an FTP session: how bytes go in and out, and how its end is judged.

A file is complete when the station closed the connection in order; one that broke is not, and what is too large is
refused while it comes. Files go byte by byte whatever type the station set. Who may transfer what is not known here.
"""

from __future__ import annotations

import errno
import logging
import socket
import sys
import time
from typing import Any

from OpenSSL import SSL

from firmware_store.ftp_library import (
    ActiveDTP,
    DTPHandler,
    FileTrouble,
    PassiveDTP,
    ThrottledDTPHandler,
    TLS_DTPHandler,
)
from firmware_store.ftp_uploads import PartialFile

logger = logging.getLogger(__name__)

_LEAST_BYTES_UNTIL_TIMEOUT = 4096  # slower than that is no transfer
_LEAST_PIECE = 1024
# small enough that a slow station's progress is seen before it seems to stall
_SEND_BUFFER_BYTES = 128 * 1024
_LEAST_PAUSE_SECONDS = 0.02
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class StationTransfer(TLS_DTPHandler, ThrottledDTPHandler):  # type: ignore[misc]  # the library has no types
    """One data connection; `cmd_channel` is a StationSession."""

    # the library's
    ac_in_buffer_size: int
    _lastdata: int
    _resp: tuple[Any, ...]

    def __init__(self, sock: socket.socket, cmd_channel: Any) -> None:
        self._raw = sock  # also when TLS is spoken over it
        self._torn = False
        self._judged = False
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
        super().__init__(sock, cmd_channel)
        rate = cmd_channel.shared.pace.bytes_per_second
        if rate:
            piece = max(_LEAST_PIECE, min(self.ac_in_buffer_size, rate // 4))
            self.ac_in_buffer_size = self.ac_out_buffer_size = piece

    def secure_connection(self, _context: SSL.Context) -> None:
        """Begin with TLS, in the way of data connections."""
        super().secure_connection(self.cmd_channel.data_context)

    def use_sendfile(self) -> bool:
        """The kernel copies, unless bytes are counted or encrypted."""
        counted = self.cmd_channel.shared.pace.bytes_per_second or self._ssl_requested
        return not counted and bool(DTPHandler.use_sendfile(self))

    def readable(self) -> bool:
        """What comes before the command that it belongs to waits; the library would hang up."""
        if not (self._initialized or self.receive or self._ssl_accepting or self._ssl_want_read):
            self.modify_ioloop_events(0)
            return False
        return bool(super().readable())

    def recv(self, size: int) -> bytes:
        """The next piece, if it is still allowed."""
        self._look_whether_torn()
        piece: bytes = super().recv(size)
        if piece and self.receive:
            if not self.file_obj.has_room_for(len(piece)):
                self.refuse("552 The file is larger than allowed.")
                return b""
            self._rest(len(piece))
        return piece

    def send(self, data: bytes) -> int:
        """How much of it went out."""
        count = int(super().send(data))
        self._rest(count)
        return count

    def refuse(self, response: str) -> None:
        """End the transfer; of a file that was being received nothing stays."""
        if isinstance(self.file_obj, PartialFile):
            self.file_obj.discard()
        self._resp = (response, logger.info)
        self._error = True  # no farewell in TLS: the station may not listen
        self.close()

    def begin_to_watch(self) -> None:
        """The transfer begins now, whenever the connection was made."""
        if self._idler is not None and not self._idler.cancelled:
            self._idler.reset()

    def handle_timeout(self) -> None:
        """Too few bytes since the last look: the station is gone, or holds a place for nothing."""
        if self.cmd_channel.waits:
            return
        count = self.get_transmitted_bytes()
        if count - self._lastdata >= _LEAST_BYTES_UNTIL_TIMEOUT:
            self._lastdata = count
        else:
            self._lastdata = count
            self._error = True
            super().handle_timeout()

    def handle_error(self) -> None:
        """The disk failed us, or we are at fault; the station is told in either case."""
        error = sys.exc_info()[1]
        if isinstance(error, FileTrouble):
            number = getattr(error.args[0], "errno", None) if error.args else None
            full = number in _NO_SPACE
            logger.error("a file of a station cannot be %s: %s", "written" if self.receive else "read", error)
            self.refuse("452 The disk is full." if full else "451 The disk failed.")
            return
        if not isinstance(error, OSError):
            logger.error("a data connection failed", exc_info=error)
        self._resp = self._resp or ("426 The connection failed.", logger.info)
        self._error = True
        self.close()

    def close(self) -> None:
        """Judge how it ended, once, before the session is told."""
        if not self._closed and not self._judged:
            self._judged = True
            self._judge()
        super().close()

    def _judge(self) -> None:
        if not (self._resp and self._resp[0].startswith("226")):
            return
        if self.receive and self._torn and not self._has_said_goodbye():
            self.transfer_finished = False
            self._resp = ("426 The connection broke.", logger.info)
        elif self.receive:
            self._resp = ()  # the session answers when the gateway has the file
        elif self.file_obj is not None and self.tot_bytes_sent != self.cmd_channel.expected_bytes:
            self.transfer_finished = False
            self._resp = ("451 The file could not be read to its end.", logger.warning)

    def _has_said_goodbye(self) -> bool:
        """Whether TLS vouches for the end, whatever happened to the connection afterwards."""
        encrypted = isinstance(self.socket, SSL.Connection)
        return encrypted and bool(self.socket.get_shutdown() & SSL.RECEIVED_SHUTDOWN)

    def _look_whether_torn(self) -> None:
        """A reset looks like an end to whoever only reads."""
        try:
            self._raw.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            pass
        except OSError:
            self._torn = True

    def _rest(self, count: int) -> None:
        pause = self.cmd_channel.pause_after(count, time.monotonic())
        if pause < _LEAST_PAUSE_SECONDS or self._closed:
            return
        self.del_channel()
        self._cancel_throttler()
        self._throttler = self.ioloop.call_later(pause, self._go_on, _errback=self.handle_error)

    def _go_on(self) -> None:
        if not self._closed:
            self.add_channel(events=self.ioloop.READ if self.receive else self.ioloop.WRITE)


class PassiveDoor(PassiveDTP):  # type: ignore[misc]
    """Waits for the station's data connection; tells the session when it never comes."""

    def handle_timeout(self) -> None:
        """Nobody came."""
        super().handle_timeout()
        self.cmd_channel.give_up_transfer()


class ActiveCall(ActiveDTP):  # type: ignore[misc]
    """Calls the station's data port; tells the session when nobody answers there."""

    def handle_timeout(self) -> None:
        """Nobody answers."""
        super().handle_timeout()
        self.cmd_channel.give_up_transfer()

    def handle_close(self) -> None:
        """Refused."""
        super().handle_close()
        self.cmd_channel.give_up_transfer()
