"""One FTP connection until it is known who it is, and its lines one after the other.

A login is a token as the user's name, or an anonymous one whose paths begin with a token. Commands that need the desk
wait for its answer, and so do those sent behind them: stations send several at once. Wrong tokens are answered late,
and later each time. What a login may do is not known here.
"""

from __future__ import annotations

import re
import socket
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from OpenSSL import SSL

from firmware_store.desk_client import DeskClient
from firmware_store.ftp_errands import Errands
from firmware_store.ftp_folder import Rights, StationFolder
from firmware_store.ftp_library import AsyncChat, IOLoop, TLS_FTPHandler
from firmware_store.ftp_limits import Guesses, Pace, Places
from firmware_store.ftp_receiving import has_hung_up
from firmware_store.ftp_tls import TlsFiles
from firmware_store.tickets import Ticket

_TOKEN = re.compile(r"[A-Za-z0-9_-]{4,200}")
_ANONYMOUS = ("anonymous", "ftp")
_DURING_TRANSFERS = (b"ABOR", b"STAT", b"NOOP")
_MOST_WAITING_LINES = 64
_MOST_LOGINS_OF_A_TOKEN = 4
_LOGIN_SECONDS = 60.0
_WATCH_SECONDS = 1.0
_LATER = "The gateway cannot be asked now, try again later."
_NOT_OFFERED = ("MFMT", "SITE CHMOD")


@dataclass(slots=True)
class Shared:
    """What all sessions share."""

    loop: IOLoop
    errands: Errands
    desk: DeskClient
    places: Places
    pace: Pace
    tls: TlsFiles | None = None
    guesses: Guesses = field(default_factory=Guesses)
    sessions: list[Any] = field(default_factory=list)
    partials: dict[Path, str] = field(default_factory=dict)  # files that are or were not complete, with their tokens


class StationLogin(TLS_FTPHandler):  # type: ignore[misc]  # the library has no types
    """`shared` is set by the server on a class of its own."""

    shared: Shared
    # the library's
    _extra_feats: list[str]
    _in_buffer: list[bytes]
    _in_dtp_queue: tuple[Any, str] | None
    _out_dtp_queue: tuple[Any, bool, Any, str] | None
    banner = "Ready."
    log_prefix = "%(remote_ip)s"  # the user's name is a token
    abstracted_fs = StationFolder
    proto_cmds = {  # noqa: RUF012  # the library's
        name: facts | ({"auth": False} if name == "OPTS" else {})
        for name, facts in TLS_FTPHandler.proto_cmds.items()
        if name not in _NOT_OFFERED
    }

    def __init__(self, conn: socket.socket, server: Any, ioloop: IOLoop | None = None) -> None:
        self._raw = conn
        self._lines: deque[bytes] = deque()
        self._busy = False
        self._has_place = False
        self._watch: object = None
        self.finishing = False  # an upload is being kept
        self.token = ""
        self.authorizer = Rights()
        super().__init__(conn, server, ioloop)
        if not self.connected:
            return
        self.data_context = self.shared.tls.contexts.data if self.shared.tls and self.shared.tls.contexts else None
        if self.ssl_context is None:
            self._extra_feats = []
        self.shared.sessions.append(self)
        self.call_later(_LOGIN_SECONDS, self._end_if_nobody)

    @classmethod
    def get_ssl_context(cls) -> SSL.Context | None:
        """The certificates as they are now, for control connections."""
        contexts = cls.shared.tls.current() if cls.shared.tls else None
        return contexts.control if contexts else None

    @property
    def _current_type(self) -> str:
        """Files go byte by byte, whatever the station says: many never say that theirs are no texts."""
        return "i"

    @_current_type.setter
    def _current_type(self, said: str) -> None:
        pass

    def initiate_send(self) -> None:
        """While nothing is read the loop does not know us; `_resume` tells it what is still to be written."""
        if self._fileno in self.ioloop.socket_map:
            super().initiate_send()
        else:
            super(AsyncChat, self).initiate_send()

    # lines, one after the other

    def found_terminator(self) -> None:
        """A line has come; it waits for the one before it."""
        if self._closed or self._closing:
            return  # more lines of one write, behind a last word
        line = b"".join(self._in_buffer)
        word = line.split(b" ", 1)[0].upper()
        if not self._busy and (not self._has_place or word[-4:] in _DURING_TRANSFERS):
            super().found_terminator()
            return
        self._in_buffer, self._in_buffer_len = [], 0
        self._lines.append(line)
        if len(self._lines) > _MOST_WAITING_LINES:
            self.end("421 Too many commands at once.")

    def _find(self, token: str, then: Callable[[Ticket | None], None]) -> None:
        """Ask the desk what the token allows; nothing else is read until `then` was called."""

        def answered(future: Future[Ticket | None]) -> None:
            if self._closed:
                return
            try:
                ticket = future.result()
            except OSError:
                if self.authenticated:
                    self.respond(f"451 {_LATER}")
                    self._resume()
                else:
                    self.end(f"421 {_LATER}")
            else:
                then(ticket)

        self._pause()
        if _TOKEN.fullmatch(token):
            self.shared.errands.run(lambda: self.shared.desk.find(token), answered)
        else:
            then(None)

    def _pause(self) -> None:
        """Read no more for now."""
        self._busy = True
        self.del_channel()
        if self._watch is None:
            self._watch = self._later(_WATCH_SECONDS, self._leave_if_alone)

    def _later(self, seconds: float, what: Callable[[], None]) -> object:
        """Also when this has closed by then: the library minds when calls that are due are cancelled."""
        return self.ioloop.call_later(seconds, what, _errback=self.handle_error)

    def _leave_if_alone(self) -> None:
        """Whoever hung up while nothing is read is not waited for: connections are counted."""
        self._watch = None
        if self._closed or not self._busy or self.finishing:
            return
        if has_hung_up(self._raw):
            self.close()
        else:
            self._watch = self._later(_WATCH_SECONDS, self._leave_if_alone)

    def _resume(self) -> None:
        self._busy = False
        self._go_on()
        if not self._closed and not self._busy:
            writing = self.ioloop.WRITE if self.producer_fifo else 0
            self.modify_ioloop_events(self.ioloop.READ | writing)

    def _go_on(self) -> None:
        while self._lines and not (self._busy or self._has_place or self._closed or self._closing):
            line = self._lines.popleft()
            self._in_buffer, self._in_buffer_len = [line], len(line)
            super().found_terminator()

    # login

    def ftp_PASS(self, password: str) -> None:
        """The user's name is the token; the password may be anything."""
        if self.authenticated:
            self.respond("503 User already authenticated.")
        elif not self.username:
            self.respond("503 Login with USER first.")
        elif self.username.lower() in _ANONYMOUS:
            self._log_in("", None)
        else:
            self._find(self.username, self._found_login)

    def ftp_AUTH(self, line: str) -> None:
        """What was said or sent before the connection is encrypted does not count."""
        if self.ssl_context is None:
            self.respond("534 TLS is not offered here.")
            return
        if self.authenticated:
            self.flush_account()
        super().ftp_AUTH(line)
        self.ac_in_buffer = b""
        self._lines.clear()

    def flush_account(self) -> None:
        """Forget who this is."""
        super().flush_account()
        self.token = ""
        self.authorizer = Rights()

    def _found_login(self, ticket: Ticket | None) -> None:
        if ticket is None:
            self._refuse_token("530 Login incorrect.")
        else:
            self._log_in(self.username, ticket)
            self._resume()

    def _log_in(self, token: str, ticket: Ticket | None) -> None:
        self.handle_auth_success("/", "", "Logged in.")
        self.token, self.fs.ticket = token, ticket
        self.authorizer = Rights(self.fs)
        same = [one for one in self.shared.sessions if token and one.token == token]
        for session in same[:-_MOST_LOGINS_OF_A_TOKEN]:  # connections that died are not always known to be dead
            session.end("421 Logged in too often.")

    def _refuse_token(self, response: str) -> None:
        """Answer late, and later each time."""

        def refuse() -> None:
            if self._closed:
                return
            self.attempted_logins += 1
            if self.attempted_logins >= self.max_login_attempts:
                self.end(response)
            else:
                self.respond(response)
                self._resume()

        if not self.authenticated:
            self.username = ""
        self._later(self.shared.guesses.failed(self.remote_ip, time.monotonic()), refuse)

    def _end_if_nobody(self) -> None:
        if not self.authenticated:
            self.end("421 Nobody logged in.")
