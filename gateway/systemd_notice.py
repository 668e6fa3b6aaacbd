"""What the processes tell systemd (sd_notify(3)), where it asked to be told; elsewhere every word goes nowhere.

It knows the protocol: where to send, how often the watchdog wants to be fed. What is true of the process, and when
it is worth telling, is not its question. Nothing that fails here keeps a process from its work.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Mapping

logger = logging.getLogger(__name__)

_LONGEST_STATUS = 300


class SystemdNotices:
    """The socket of the service manager; `environment` is what it gave this process."""

    __slots__ = ("_address", "_failed", "feed_every_seconds")

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._address = environment.get("NOTIFY_SOCKET", "")
        self._failed = False
        self.feed_every_seconds = _half_of_the_watchdog(environment)  # None: nobody watches

    @property
    def heard(self) -> bool:
        """Whether anybody asked to be told."""
        return bool(self._address)

    def tell(self, *assignments: str) -> None:
        """Send `NAME=value` lines; what cannot be sent is logged once."""
        if not self._address:
            return
        address = f"\0{self._address[1:]}" if self._address.startswith("@") else self._address
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
            try:
                told.setblocking(False)
                told.sendto("\n".join(assignments).encode(), address)
            except OSError as error:
                if not self._failed:
                    logger.warning("systemd cannot be told %s: %s", assignments[0], error)
                self._failed = True
            else:
                self._failed = False

    def ready(self, status: str) -> None:
        """The start, or the change to another configuration, is over."""
        self.tell("READY=1", status_line(status))

    def reloading(self, status: str) -> None:
        """Another configuration is being looked at or taken; `ready` must follow."""
        self.tell("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}", status_line(status))

    def stopping(self) -> None:
        """The orderly end has begun."""
        self.tell("STOPPING=1", status_line("stopping"))


def status_line(text: str) -> str:
    """One line for `systemctl status`."""
    return "STATUS=" + " ".join(text.split())[:_LONGEST_STATUS]


def _half_of_the_watchdog(environment: Mapping[str, str]) -> float | None:
    """Half of WATCHDOG_USEC in seconds, as sd_watchdog_enabled(3) advises; None when another process is watched."""
    watched = environment.get("WATCHDOG_PID")
    try:
        if watched and int(watched) != os.getpid():
            return None
        microseconds = int(environment.get("WATCHDOG_USEC", "0"))
    except ValueError:
        return None
    return microseconds / 2_000_000 if microseconds > 0 else None
