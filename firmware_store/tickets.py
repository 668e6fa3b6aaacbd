"""What the servers for stations ask of whoever runs them: what may be done with a token, and what was done.

A token is a capability: it stands for one station and one file to fetch, or one place to upload to. How tokens are
kept, and for how long they are good, is not known here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

Scheme = Literal["http", "https", "ftp", "ftps"]


@dataclass(frozen=True, slots=True)
class Download:
    """One file may be fetched; its content never changes under this token."""

    link_id: int
    station: str
    path: Path
    size: int
    sha256: str
    file_name: str


@dataclass(frozen=True, slots=True)
class Upload:
    """Files may be uploaded, each of at most `most_bytes`; written in `folder` (same file system as their end).

    `reserve_bytes`: so much of that file system stays free.
    """

    link_id: int
    station: str
    folder: Path
    most_bytes: int
    reserve_bytes: int = 0


Ticket = Download | Upload


@dataclass(frozen=True, slots=True)
class Served:
    """A piece of a download went out: bytes `start` (included) to `end` (excluded) of the file.

    `begins`: it is the first piece of a request, which counts as an attempt.
    """

    link_id: int
    start: int
    end: int
    begins: bool


@dataclass(frozen=True, slots=True)
class Received:
    """A file is complete on the disk, flushed, at `path` in the ticket's folder; the receiver moves or removes it."""

    link_id: int
    path: Path
    file_name: str  # as the station named it, "" when it did not; not safe
    size: int
    sha256: str
    scheme: Scheme
    address: str


class NoRoom(Exception):
    """The upload is not taken: more than allowed, or the disk is full; the text is for the log and the station."""


class Desk(Protocol):
    """Whoever gives tokens out. Every method may raise OSError when it cannot be asked now."""

    async def find(self, token: str) -> Ticket | None:
        """What the token allows now; None: nothing (unknown, expired, withdrawn)."""

    async def served(self, served: Served) -> None:
        """Note what went out; called every few seconds of a download, and at its end."""

    async def received(self, received: Received) -> None:
        """Take a file over. Raises NoRoom; the file is gone from the ticket's folder in any case."""
