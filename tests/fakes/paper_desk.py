"""A desk on paper: tokens in a dictionary, everything told is written down, files are taken into a list.

`desk_in_thread` runs it behind the real socket in a thread of its own, so that a test may use blocking clients.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from firmware_store.desk_socket import serve_desk
from firmware_store.tickets import Download, NoRoom, Received, Served, Ticket, Upload


@dataclass(slots=True)
class PaperDesk:
    """Gives out what the test wrote into `tickets`."""

    tickets: dict[str, Ticket] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    told: list[Served] = field(default_factory=list)
    taken: list[tuple[Received, bytes]] = field(default_factory=list)
    no_room: bool = False
    broken: bool = False

    def image(self, token: str, path: Path, name: str = "EVSE_1.2.3.bin", *, link_id: int = 1) -> Download:
        """A token for a file that is there."""
        ticket = Download(link_id, "CP-1", path, path.stat().st_size, "0" * 64, name)
        self.tickets[token] = ticket
        return ticket

    def place(self, token: str, folder: Path, *, most_bytes: int = 10_000_000, link_id: int = 2) -> Upload:
        """A token for uploads."""
        folder.mkdir(parents=True, exist_ok=True)
        ticket = Upload(link_id, "CP-1", folder, most_bytes)
        self.tickets[token] = ticket
        return ticket

    async def find(self, token: str) -> Ticket | None:
        """What the test wrote."""
        if self.broken:
            raise OSError("the database is closed")
        self.asked.append(token)
        return self.tickets.get(token)

    async def served(self, served: Served) -> None:
        """Written down."""
        if self.broken:
            raise OSError("the database is closed")
        self.told.append(served)

    async def received(self, received: Received) -> None:
        """Read and removed."""
        if self.broken:
            raise OSError("the database is closed")
        content = received.path.read_bytes()  # nobody waits for this desk
        received.path.unlink()
        if self.no_room:
            raise NoRoom("the disk is full")
        self.taken.append((received, content))


@contextmanager
def desk_in_thread(desk: PaperDesk, path: Path) -> Iterator[None]:
    """The desk answers on the socket for the length of the block."""
    started, stop = threading.Event(), asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    async def run() -> None:
        async with serve_desk(desk, path):
            loops.append(asyncio.get_running_loop())
            started.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    assert started.wait(10)
    try:
        yield
    finally:
        loops[0].call_soon_threadsafe(stop.set)
        thread.join(10)
