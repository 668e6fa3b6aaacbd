"""A TCP forwarder in front of several nodes: what a load balancer does for the brokers of a cluster.

It decides which node takes the next connection: the first of its targets that accepts. It counts and remembers when
connections came. It does not know what the bytes mean.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress


class Forwarder:
    """Listens on `port` of 127.0.0.1 while the block of `forwarding` runs."""

    def __init__(self, targets: Sequence[int]) -> None:
        self.targets = list(targets)  # may be changed: it counts for the next connection
        self.port = 0
        self.arrivals: list[float] = []  # the loop's time of each connection, whether or not a node took it
        self._open: dict[asyncio.Task[None], int | None] = {}
        self._writers: set[asyncio.StreamWriter] = set()  # of all connections, also those that have ended

    def nodes_in_use(self) -> list[int]:
        """The targets of the connections that are open now."""
        return [target for target in self._open.values() if target is not None]

    def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forward one connection until either side ends it."""
        self.arrivals.append(asyncio.get_running_loop().time())
        task = asyncio.create_task(self._forward(reader, writer))
        self._open[task] = None
        task.add_done_callback(lambda task: self._open.pop(task))

    async def hang_up(self) -> None:
        """End every open connection."""
        tasks = list(self._open)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in self._writers:
            _cut(writer)  # a task that was cancelled while it ended left it open
            with suppress(OSError):
                await writer.wait_closed()

    # Private

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._writers.add(writer)
        try:
            for target in list(self.targets):
                with suppress(OSError):
                    far_reader, far_writer = await asyncio.open_connection("127.0.0.1", target)
                    self._writers.add(far_writer)
                    self._open[task] = target
                    await _both_ways(reader, writer, far_reader, far_writer)
                    return
        finally:
            _cut(writer)


@asynccontextmanager
async def forwarding(targets: Sequence[int], *, port: int = 0) -> AsyncIterator[Forwarder]:
    """A forwarder at work."""
    forwarder = Forwarder(targets)
    server = await asyncio.start_server(forwarder.take, "127.0.0.1", port)
    forwarder.port = server.sockets[0].getsockname()[1]
    try:
        yield forwarder
    finally:
        server.close()
        await forwarder.hang_up()


async def _both_ways(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    far_reader: asyncio.StreamReader,
    far_writer: asyncio.StreamWriter,
) -> None:
    halves = {asyncio.create_task(_copy(reader, far_writer)), asyncio.create_task(_copy(far_reader, writer))}
    try:
        await asyncio.wait(halves, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for half in halves:
            half.cancel()
        await asyncio.gather(*halves, return_exceptions=True)
        _cut(far_writer)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while some := await reader.read(65536):
            writer.write(some)
            await writer.drain()


def _cut(writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        writer.transport.abort()
