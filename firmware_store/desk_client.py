"""The other end of the desk's socket, for a server that is a process of its own: it asks and waits for the answer.

Each question is a connection of its own, so nothing has to be mended after the daemon was started again. Every method
blocks and may be called by several threads. What is done with the answers is not known here.
"""

from __future__ import annotations

import socket
from dataclasses import asdict, dataclass
from pathlib import Path

from firmware_store.desk_lines import (
    LONGEST_LINE,
    Line,
    NotUnderstood,
    reachable,
    read_line,
    text_in,
    ticket_in,
    written,
)
from firmware_store.tickets import NoRoom, Received, Served, Ticket


@dataclass(frozen=True, slots=True)
class DeskClient:
    """Asks the desk that answers on the socket `path`. Every method may raise OSError: it cannot be asked now."""

    path: Path
    patience_seconds: float = 5.0
    receiving_seconds: float = 60.0  # taking a file over may wait for the disk

    def expect_somebody(self) -> None:
        """Raise OSError unless somebody listens there."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(self.patience_seconds)
            with reachable(self.path) as short:
                connection.connect(short)

    def find(self, token: str) -> Ticket | None:
        """What the token allows now."""
        try:
            return ticket_in(self._ask({"ask": "find", "token": token}, self.patience_seconds))
        except NotUnderstood as error:
            raise ConnectionError(f"the answer was not understood: {error}") from error

    def served(self, token: str, served: Served) -> None:
        """Tell what went out."""
        self._expect_done({"ask": "served", "token": token, **asdict(served)}, self.patience_seconds)

    def received(self, token: str, received: Received) -> None:
        """Hand a file over. Raises NoRoom."""
        question = {"ask": "received", "token": token, **asdict(received), "path": str(received.path)}
        self._expect_done(question, self.receiving_seconds)

    def _expect_done(self, question: Line, seconds: float) -> None:
        answer = self._ask(question, seconds)
        if answer.get("answer") == "no_room":
            raise NoRoom(str(answer.get("text")))
        if answer.get("answer") != "done":
            raise ConnectionError(f"the answer was not understood: {answer.get('answer')}")

    def _ask(self, question: Line, seconds: float) -> Line:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(seconds)
            with reachable(self.path) as short:
                connection.connect(short)
            connection.sendall(written(question))
            with connection.makefile("rb") as lines:
                content = lines.readline(LONGEST_LINE)
        try:
            answer = read_line(content)
            if answer.get("answer") in ("unavailable", "not_understood"):
                raise ConnectionError(text_in(answer, "text"))
        except NotUnderstood as error:
            raise ConnectionError(f"the answer was not understood: {error}") from error
        return answer
