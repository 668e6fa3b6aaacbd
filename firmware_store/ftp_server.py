"""FTP and explicit FTPS for stations: one listener, its sessions, and the rounds that tidy up after them.

It runs in a process of its own and asks the desk through its socket; without the desk nobody can log in, and it waits.
Which port, whose certificates, and who starts and stops it is not decided here.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from firmware_store.desk_client import DeskClient
from firmware_store.ftp_errands import Errands
from firmware_store.ftp_library import FTPServer, IOLoop
from firmware_store.ftp_limits import Pace, Places
from firmware_store.ftp_login import Shared
from firmware_store.ftp_session import StationSession
from firmware_store.ftp_tls import TlsFiles
from firmware_store.ftp_transfer import StationTransfer
from firmware_store.ftp_uploads import sweep

logger = logging.getLogger(__name__)

_MOST_CONNECTIONS = 250  # each has up to four descriptors
_MOST_CONNECTIONS_OF_ONE_ADDRESS = 40  # all stations of a site may come through one router
_SWEEP_EVERY_SECONDS = 300.0
_LOOK_FOR_DESK_SECONDS = 2.0
_FAREWELL_SECONDS = 5.0
_NO_DESCRIPTORS_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class FtpSettings:
    """Where and for whom; `incoming`: the folder of all upload tickets."""

    host: str
    port: int  # 0: any
    desk_socket: Path
    incoming: Path
    passive_ports: tuple[int, int] | None = None
    masquerade_address: str | None = None  # None: the one that the station reached us at
    transfers_at_once: int = 4
    station_bytes_per_second: int = 0
    idle_seconds: float = 300.0
    stall_seconds: float = 120.0


class FtpServer:
    """Listens from its making on. Raises OSError when it cannot."""

    def __init__(self, settings: FtpSettings, *, tls: TlsFiles | None = None) -> None:
        # the library's own words name users, which are tokens here
        logging.getLogger("pyftpdlib").setLevel(logging.WARNING)
        self._settings = settings
        self._loop = IOLoop()
        self._errands = Errands(self._loop)
        self._shared = Shared(
            self._loop,
            self._errands,
            DeskClient(settings.desk_socket),
            Places(settings.transfers_at_once),
            Pace(settings.station_bytes_per_second),
            tls,
        )
        try:
            self._listener = _Listener((settings.host, settings.port), self._session_class(), ioloop=self._loop)
        except OSError:
            self._errands.close()
            raise
        self.port = int(self._listener.address[1])
        self.wakeup_descriptor = self._errands.wake_on_signals()  # for signal.set_wakeup_fd
        self._looks_in_vain = 0
        self._look_for_desk()
        self._sweep()

    def run(self, stops: Callable[[], bool]) -> None:
        """Serve until `stops()`; it is asked whenever anything happens, a signal for one."""
        timeout: float | None = 0.0
        while not stops():
            timeout = self._loop.loop(timeout, blocking=False)
        logger.info("stopping")
        self._say_farewell()

    def wake(self) -> None:
        """Have `stops` asked now; may be called by any thread."""
        self._errands.wake()

    def close(self) -> None:
        """End everything that is open."""
        self._loop.close()
        self._errands.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _session_class(self) -> type[StationSession]:
        """The library takes its settings from the class."""
        ports = self._settings.passive_ports
        transfer = type("SettledTransfer", (StationTransfer,), {"timeout": self._settings.stall_seconds})
        members = {
            "shared": self._shared,
            "dtp_handler": transfer,
            "timeout": self._settings.idle_seconds,
            "masquerade_address": self._settings.masquerade_address,
            "passive_ports": range(ports[0], ports[1] + 1) if ports else None,
        }
        return type("SettledSession", (StationSession,), members)

    def _say_farewell(self) -> None:
        """What is being handed over or told may end."""
        self._listener.close()
        for session in [*self._shared.sessions]:
            if not session.finishing:
                session.end("421 The server stops.")
        until = time.monotonic() + _FAREWELL_SECONDS
        while self._is_needed() and time.monotonic() < until:
            self._loop.loop(0.1, blocking=False)

    def _is_needed(self) -> bool:
        return self._errands.under_way > 0 or any(session.finishing for session in self._shared.sessions)

    def _look_for_desk(self) -> None:
        self._errands.run(self._shared.desk.expect_somebody, self._looked_for_desk)

    def _looked_for_desk(self, future: Future[None]) -> None:
        try:
            future.result()
        except OSError as error:
            self._looks_in_vain += 1
            if self._looks_in_vain == 2:  # both may be starting
                logger.warning("waiting for the gateway, nobody answers on %s: %s", self._settings.desk_socket, error)
            self._loop.call_later(_LOOK_FOR_DESK_SECONDS, self._look_for_desk)
        else:
            logger.log(logging.WARNING if self._looks_in_vain > 1 else logging.INFO, "the gateway answers")

    def _sweep(self) -> None:
        """Partial files go when nobody came back for them, or their token is not good any more."""
        sessions = [*self._shared.sessions]
        resting = {
            path: token
            for path, token in self._shared.partials.items()
            if not any(session.is_receiving(path) for session in sessions)
        }
        self._errands.run(lambda: self._tidy(resting), self._swept)
        self._loop.call_later(_SWEEP_EVERY_SECONDS, self._sweep)

    def _tidy(self, resting: dict[Path, str]) -> list[Path]:
        """In a thread; the partial files that are no more."""
        sweep(self._settings.incoming, now=time.time())
        gone: list[Path] = []
        for path, token in resting.items():
            with suppress(OSError):
                if path.exists() and self._shared.desk.find(token) is not None:
                    continue
                path.unlink(missing_ok=True)
                gone.append(path)
        return gone

    def _swept(self, future: Future[list[Path]]) -> None:
        try:
            for path in future.result():
                self._shared.partials.pop(path, None)
        except OSError as error:
            logger.warning("the folder of uploads cannot be tidied: %s", error)


class _Listener(FTPServer):  # type: ignore[misc]  # the library has no types
    """The library's, which gave up listening when it ran out of descriptors."""

    max_cons = _MOST_CONNECTIONS
    max_cons_per_ip = _MOST_CONNECTIONS_OF_ONE_ADDRESS

    def handle_error(self) -> None:
        """Rest for a moment, then listen again."""
        logger.exception("a connection could not be accepted")
        self.del_channel()
        self.call_later(_NO_DESCRIPTORS_SECONDS, self._listen_again)

    def _listen_again(self) -> None:
        self.add_channel()
