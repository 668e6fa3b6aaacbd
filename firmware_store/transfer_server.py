"""The HTTP and HTTPS servers for stations: which path means what, and the thread in which they live.

They have a thread and a plain event loop of their own. The daemon's loop answers stations and has no `sendfile`; here
the kernel copies files to sockets while the interpreter is free, and a slow disk holds up nobody but downloads. Only
the desk is asked in the caller's loop. `docs/transfers.md` has the measurements.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from firmware_store.desk_across import DeskAcross, across
from firmware_store.listening import bound
from firmware_store.tickets import Desk
from firmware_store.transfer_loop import HttpSettings, TransferLoop

__all__ = ["HttpSettings", "Ports", "serve_transfers"]


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the servers listen."""

    http: int
    https: int | None


@asynccontextmanager
async def serve_transfers(
    desk: Desk, settings: HttpSettings, *, tls: Callable[[], Awaitable[ssl.SSLContext | None]] | None = None
) -> AsyncIterator[Ports]:
    """Serve for the length of the block. Raises OSError when a port cannot be opened.

    `tls` is asked for each connection to the TLS port (None: no certificate can be shown now); without it, or without
    a TLS port, there is no HTTPS.
    """
    plain = await bound(settings.host, settings.port)
    encrypted: list[socket.socket] = []
    try:
        if settings.tls_port is not None and tls is not None:
            encrypted = await bound(settings.host, settings.tls_port)
        ports = Ports(_port(plain), _port(encrypted) if encrypted else None)
        async with _thread(desk, settings, plain, encrypted, tls):
            yield ports
    finally:
        for listening in (*plain, *encrypted):
            listening.close()


@asynccontextmanager
async def _thread(
    desk: Desk,
    settings: HttpSettings,
    plain: list[socket.socket],
    encrypted: list[socket.socket],
    tls: Callable[[], Awaitable[ssl.SSLContext | None]] | None,
) -> AsyncIterator[None]:
    caller, ours, stop = asyncio.get_running_loop(), asyncio.SelectorEventLoop(), asyncio.Event()
    ended: asyncio.Future[None] = caller.create_future()

    async def context() -> ssl.SSLContext | None:
        assert tls is not None
        return await across(_awaited(tls()), caller)

    async def live() -> None:
        await TransferLoop(DeskAcross(desk, caller), settings).serve(plain, encrypted, context, stop)

    def run() -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: ours) as runner:
                runner.run(live())
        finally:
            caller.call_soon_threadsafe(ended.set_result, None)

    thread = threading.Thread(target=run, name="transfers")
    thread.start()
    try:
        yield
    finally:
        # what is under way ends by itself, and the desk is told: the caller's loop must go on meanwhile
        with suppress(RuntimeError):  # it has ended, by a fault
            ours.call_soon_threadsafe(stop.set)
        try:
            await _until(ended)
        finally:
            thread.join()


def _port(listening: list[socket.socket]) -> int:
    return int(listening[0].getsockname()[1])


async def _awaited(question: Awaitable[ssl.SSLContext | None]) -> ssl.SSLContext | None:
    return await question


async def _until(ended: asyncio.Future[None]) -> None:
    """Wait for it, also when this task is cancelled meanwhile."""
    cancelled = None
    while not ended.done():
        try:
            await asyncio.shield(ended)
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
