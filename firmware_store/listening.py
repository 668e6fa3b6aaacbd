"""Open ports: connections are counted, encrypted where that is asked for, and handed on; too many are hung up on."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from firmware_store.connections import Connection
from firmware_store.guesses import network_of

logger = logging.getLogger(__name__)

_BACKLOG = 128
_HANDSHAKE_SECONDS = 15.0
_SHUTDOWN_SECONDS = 2.0
_MOST_CONNECTIONS = 256
_MOST_OF_ONE_ADDRESS = 100  # all stations of a site may come through one router

ContextNow = Callable[[], Awaitable[ssl.SSLContext | None]]


async def bound(host: str, port: int) -> list[socket.socket]:
    """Listening sockets for all addresses of `host`, all on one port (0: a free one). Raises OSError."""
    found = await _addresses(host, port)
    opened: list[socket.socket] = []
    try:
        for family, address in found:
            one = socket.socket(family, socket.SOCK_STREAM)
            opened.append(one)
            one.setblocking(False)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            one.bind((address[0], port, *address[2:]))
            port = one.getsockname()[1]
            one.listen(_BACKLOG)
    except OSError:
        for one in opened:
            one.close()
        raise
    return opened


async def _addresses(host: str, port: int) -> list[tuple[socket.AddressFamily, tuple[Any, ...]]]:
    try:
        flags = socket.AI_PASSIVE | socket.AI_NUMERICHOST
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=flags)
    except socket.gaierror:  # a name: to be asked for, in a thread
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys((family, address) for family, _, _, _, address in found))


@dataclass(slots=True)
class Acceptor:
    """Takes connections from listening sockets, for one event loop."""

    new_connection: Callable[[str, bool, Callable[[], None]], Connection]  # (address, encrypted, when it is lost)
    _opening: set[asyncio.Task[None]] = field(default_factory=set)
    _of_network: Counter[str] = field(default_factory=Counter)

    async def accept(self, listening: socket.socket, context: ContextNow | None) -> None:
        """For ever. `context` is asked for each connection: certificates are renewed."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                opened, peer = await loop.sock_accept(listening)
            except OSError as error:
                logger.warning("a connection could not be taken: %s", error.strerror)
                await asyncio.sleep(0.5)
                continue
            address = str(peer[0]).removeprefix("::ffff:")
            network = network_of(address)
            if self._of_network.total() >= _MOST_CONNECTIONS or self._of_network[network] >= _MOST_OF_ONE_ADDRESS:
                opened.close()
                continue
            self._of_network[network] += 1
            task = loop.create_task(self._open(opened, address, network, context))
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    async def end(self) -> None:
        """Give up the handshakes under way."""
        for task in self._opening:
            task.cancel()
        if self._opening:
            await asyncio.wait(self._opening)

    async def _open(self, opened: socket.socket, address: str, network: str, context: ContextNow | None) -> None:
        counted = True

        def lost() -> None:
            nonlocal counted
            if counted:
                counted = False
                self._of_network[network] -= 1
                if not self._of_network[network]:
                    del self._of_network[network]

        is_open = False
        try:
            encryption = await _encryption(opened, context)
            await _connect(opened, encryption, lambda: self.new_connection(address, encryption is not None, lost))
            is_open = True
        except OSError as error:
            logger.info("a connection from %s did not come about: %s", address, error)
        finally:
            if not is_open:
                lost()


async def _encryption(opened: socket.socket, context: ContextNow | None) -> ssl.SSLContext | None:
    if context is None:
        return None
    encryption = None
    try:
        encryption = await context()
    finally:
        if encryption is None:
            opened.close()
    if encryption is None:
        raise OSError("there is no certificate now")
    return encryption


async def _connect(
    opened: socket.socket, encryption: ssl.SSLContext | None, connection: Callable[[], Connection]
) -> None:
    # the loop asks for no more of a protocol than its methods
    connect: Callable[..., Awaitable[object]] = asyncio.get_running_loop().connect_accepted_socket
    if encryption is None:
        await connect(connection, opened)
        return
    await connect(
        connection,
        opened,
        ssl=encryption,
        ssl_handshake_timeout=_HANDSHAKE_SECONDS,
        ssl_shutdown_timeout=_SHUTDOWN_SECONDS,
    )
