"""Tells the desk what went out of a download, piece by piece, and hears whether it may go on.

One question at a time; what could not be told goes with the next piece, also for a while after the end. How bytes go
out is not known here.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

from firmware_store.desk_client import DeskClient
from firmware_store.ftp_errands import Errands
from firmware_store.ftp_library import IOLoop
from firmware_store.tickets import Download, Served

logger = logging.getLogger(__name__)

_EVERY_SECONDS = 3.0
_TRIES_AFTER_THE_END = 20


@dataclass(slots=True)
class Progress:
    """One download from `told` on. `sent` says how many bytes went out so far; `withdrawn` is called at most once."""

    loop: IOLoop
    errands: Errands
    desk: DeskClient
    token: str
    ticket: Download
    start: int
    sent: Callable[[], int]
    withdrawn: Callable[[], None]
    told: int = -1
    _begins: bool = True
    _asking: bool = False
    _end: int | None = None
    _tries: int = _TRIES_AFTER_THE_END

    def begin(self) -> None:
        """Look every few seconds from now on."""
        self.told = self.start
        self._wait()

    def finish(self) -> None:
        """No more will go out."""
        if self._end is None:
            self._end = self.start + self.sent()
            self._tell()

    def _wait(self) -> None:
        self.loop.call_later(_EVERY_SECONDS, self._look)

    def _look(self) -> None:
        if self._end is None:
            self._tell()
            self._wait()

    def _tell(self) -> None:
        now = self.start + self.sent() if self._end is None else self._end
        if self._asking or not (self._begins or now > self.told):
            return
        self._asking = True
        served = Served(self.ticket.link_id, self.told, now, self._begins)
        self.errands.run(lambda: self._ask(served), lambda future: self._answered(future, now))

    def _ask(self, served: Served) -> bool:
        self.desk.served(self.token, served)
        try:
            return self.desk.find(self.token) is not None
        except OSError:
            return True  # asked again with the next piece

    def _answered(self, future: Future[bool], upto: int) -> None:
        self._asking = False
        try:
            allowed = future.result()
        except OSError as error:
            self._tries -= self._end is not None
            if self._tries > 0 and self._end is not None:
                self.loop.call_later(_EVERY_SECONDS, self._tell)
            elif self._end is not None:
                logger.warning("it could not be told what %s fetched: %s", self.ticket.station, error)
            return
        self.told, self._begins = upto, False
        if not allowed and self._end is None:
            self.withdrawn()
        elif self._end is not None:
            self._tell()
