"""Feeds systemd's watchdog while the gateway does its work: the event loop turns and the writer has done something.

A disk that refuses is an answer, too: a restart would not mend it. While there is no writer (starting, changing the
configuration), and while it works alone on something long (a restore), the loop alone counts, for half an hour at most.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress

from gateway.operations.site import Site
from gateway.status_words import Counts, counted, status_words
from gateway.store.database import StoreUnavailable
from gateway.systemd_notice import SystemdNotices, status_line

logger = logging.getLogger(__name__)

_TELL_EVERY_SECONDS = 15.0  # where no watchdog says how often
_LONGEST_WITHOUT_WRITER_SECONDS = 1800.0  # a large database on a slow card is checked, migrated or restored
_MORE_TIME_TO_START = "EXTEND_TIMEOUT_USEC=90000000"


class ProofOfLife:
    """`opened` and `closed` say whether there is a site to ask."""

    def __init__(self, notices: SystemdNotices) -> None:
        self._notices = notices
        self._site: Site | None = None
        self._closed_since = time.monotonic()
        self._told = ""
        self._opened = asyncio.Event()

    def opened(self, site: Site) -> None:
        """The doors are open: systemd learns that the start, or the change, is over."""
        self._site, self._told = site, ""
        self._opened.set()
        self._notices.ready(status_words(site, None))

    def closed(self) -> None:
        """There is no site now."""
        self._site, self._closed_since = None, time.monotonic()

    async def keep_telling(self) -> None:
        """For ever: feed the watchdog, and renew the status line where it changed."""
        every_seconds = self._notices.feed_every_seconds or _TELL_EVERY_SECONDS
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            self._opened.clear()
            if self._site is not None:
                await self._tell_of(self._site, patience_seconds=every_seconds)
            elif time.monotonic() - self._closed_since < _LONGEST_WITHOUT_WRITER_SECONDS:
                self._notices.tell("WATCHDOG=1", _MORE_TIME_TO_START)
            # a round trip that took long must not make the next feeding late; who is known is told as soon as it is
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, every_seconds - (loop.time() - began))):
                    await self._opened.wait()

    async def _tell_of(self, site: Site, *, patience_seconds: float) -> None:
        counts: Counts | None = None
        try:
            async with asyncio.timeout(patience_seconds):
                counts = await site.database.write(lambda db: counted(db, site))
        except StoreUnavailable:
            pass  # it is told in the status line, as an ailment of the store
        except TimeoutError:
            if not 0 < site.database.alone_for_seconds() < _LONGEST_WITHOUT_WRITER_SECONDS:
                logger.error("the writer did nothing for %.0f s", patience_seconds)
                return
        if site is not self._site:
            return
        status = status_line(status_words(site, counts))
        self._notices.tell("WATCHDOG=1", *([status] if status != self._told else []))
        self._told = status
