"""The port for people, kept open while the gateway begins anew: who comes meanwhile waits, and is not turned away.

What is kept are copies of the listening sockets; the system lets connections wait at them until somebody accepts.
Another address or another port is another door, and the one before is closed.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(slots=True)
class KeptPort:
    """Listening sockets between two configurations of one process; empty at first."""

    _place: tuple[str, int] | None = None
    _sockets: list[socket.socket] = field(default_factory=list)

    def copies(self, host: str, port: int) -> list[socket.socket]:
        """Sockets that listen there already, for the caller; none: they have to be opened."""
        if self._place != (host, port):
            self.close()
        return [one.dup() for one in self._sockets]

    def keep(self, host: str, port: int, descriptors: Iterable[int]) -> None:
        """Hold on to what listens there now. A port that the system chose (0) is another one each time."""
        self.close()
        if port:
            self._place = (host, port)
            self._sockets = [socket.socket(fileno=os.dup(one)) for one in descriptors]

    def close(self) -> None:
        """Nobody waits here any more."""
        for one in self._sockets:
            one.close()
        self._place, self._sockets = None, []
