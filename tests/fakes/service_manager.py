"""What systemd is to a service that notifies: a datagram socket, and the environment that names it."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from pathlib import Path


class ServiceManager:
    """Hears every notification; `heard` holds all of them, each as its list of assignments."""

    def __init__(self, folder: Path, *, watchdog_seconds: float | None = None) -> None:
        self.path = folder / "notify"
        self.heard: list[list[str]] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self.path))
        self._watchdog_seconds = watchdog_seconds

    def __enter__(self) -> ServiceManager:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        self.path.unlink()

    @property
    def environment(self) -> dict[str, str]:
        """What the service finds in its environment."""
        named = {"NOTIFY_SOCKET": str(self.path)}
        if self._watchdog_seconds is not None:
            named["WATCHDOG_USEC"] = str(round(self._watchdog_seconds * 1_000_000))
        return named

    def waiting(self) -> list[list[str]]:
        """What was sent and not read yet."""
        fresh: list[list[str]] = []
        self._socket.settimeout(0)
        try:
            while True:
                fresh.append(self._socket.recv(8192).decode().split("\n"))
        except BlockingIOError:
            self.heard += fresh
            return fresh

    def wait_for(self, wanted: Callable[[list[str]], bool], *, patience_seconds: float = 20) -> list[str]:
        """The next notification for which `wanted` holds; those before it are read over."""
        end = time.monotonic() + patience_seconds
        while (left := end - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                told = self._socket.recv(8192).decode().split("\n")
            except TimeoutError:
                break
            self.heard.append(told)
            if wanted(told):
                return told
        raise AssertionError(f"in vain for {patience_seconds:g} s; heard {self.heard[-5:]}")

    def wait_for_word(self, word: str) -> list[str]:
        """The next notification that holds this assignment."""
        return self.wait_for(lambda told: word in told)
