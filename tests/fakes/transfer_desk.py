"""Who gives out tokens, on paper: a Desk in memory, and a client that speaks HTTP byte by byte.

It knows what the servers ask of a desk, and nothing of the gateway.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from firmware_store.tickets import Download, NoRoom, Received, Served, Ticket, Upload

PATIENCE_SECONDS = 20.0


@dataclass(slots=True)
class PaperDesk:
    """Tokens in a dictionary. `away` makes it unreachable, `full` makes it refuse files."""

    folder: Path
    tickets: dict[str, Ticket] = field(default_factory=dict)
    told: list[Served] = field(default_factory=list)
    kept: list[tuple[Received, bytes]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    away: bool = False
    full: bool = False
    broken: Exception | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def find(self, token: str) -> Ticket | None:
        """See Desk."""
        self.asked.append(token)
        self._reach()
        return self.tickets.get(token)

    async def served(self, served: Served) -> None:
        """See Desk."""
        self._reach()
        self.told.append(served)
        self.changed.set()

    async def received(self, received: Received) -> None:
        """See Desk."""
        self._reach()
        if self.full:
            raise NoRoom("the quota of the station is used up")
        self.kept.append((received, received.path.read_bytes()))
        received.path.unlink()
        self.changed.set()

    def _reach(self) -> None:
        if self.broken is not None:
            raise self.broken
        if self.away:
            raise OSError("the desk is closed")

    def image(self, token: str, data: bytes, *, station: str = "CP-1", link_id: int = 1) -> Download:
        """A file that may be fetched with the token."""
        digest = hashlib.sha256(data).hexdigest()
        path = self.folder / digest
        path.write_bytes(data)
        ticket = Download(link_id, station, path, len(data), digest, "image.bin")
        self.tickets[token] = ticket
        return ticket

    def place(self, token: str, *, most_bytes: int = 10_000_000, station: str = "CP-1", link_id: int = 2) -> Upload:
        """Files may be uploaded with the token."""
        ticket = Upload(link_id, station, self.folder / "uploads", most_bytes)
        self.tickets[token] = ticket
        return ticket

    def left_behind(self) -> list[str]:
        """Names of files that nobody took over."""
        folder = self.folder / "uploads"
        return sorted(path.name for path in folder.iterdir()) if folder.exists() else []

    def told_of(self, link_id: int) -> list[tuple[int, int, bool]]:
        """(start, end, begins) of what was told of a link."""
        return [(one.start, one.end, one.begins) for one in self.told if one.link_id == link_id]

    async def until_told(self, link_id: int, position: int) -> None:
        """Wait until it was told that bytes up to this position went out."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not any(end >= position for _, end, _ in self.told_of(link_id)):
                self.changed.clear()
                await self.changed.wait()


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer as it came. `raw_head` has the header lines as bytes."""

    status: int
    version: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Line:
    """A TCP connection to a server, in the hands of a test."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def say(self, text: str | bytes) -> None:
        """Send these bytes."""
        self.writer.write(text.encode() if isinstance(text, str) else text)
        await self.writer.drain()

    async def head(self) -> Reply:
        """The status line and the headers of the next answer."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            raw = await self.reader.readuntil(b"\r\n\r\n")
        first, *lines = raw.decode("latin-1").rstrip("\r\n").split("\r\n")
        version, status, *_ = first.split(" ", 2)
        headers = dict(line.split(": ", 1) for line in lines)
        assert len(headers) == len(lines), f"a header twice: {lines}"
        return Reply(int(status), version, headers, b"")

    async def reply(self, *, is_head: bool = False) -> Reply:
        """The next answer, with as much body as it announces."""
        head = await self.head()
        length = 0 if is_head or head.status in (100, 304) else int(head.headers["Content-Length"])
        async with asyncio.timeout(PATIENCE_SECONDS):
            body = await self.reader.readexactly(length)
        return Reply(head.status, head.version, head.headers, body)

    async def is_closed(self) -> bool:
        """Wait for the end of the connection; False when more bytes come."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            try:
                return not await self.reader.read(1)
            except ConnectionError:
                return True


@asynccontextmanager
async def line_to(port: int, *, small_buffers: bool = False) -> AsyncIterator[Line]:
    """A connection for the length of the block."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**12 if small_buffers else 2**16)
    try:
        yield Line(reader, writer)
    finally:
        writer.transport.abort()


async def ask(port: int, request: str | bytes) -> Reply:
    """One request over a connection of its own."""
    async with line_to(port) as line:
        await line.say(request)
        return await line.reply(is_head=request[:4] in ("HEAD", b"HEAD"))
