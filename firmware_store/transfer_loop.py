"""The servers inside their event loop: paths, refusals, connections, and how it all ends.

`/f/<token>/<name>` is a file to fetch, `/u/<token>[/anything]` a place to upload to; the names are decoration. A token
that means nothing is answered like any other path that is not there. Tokens are never logged.
"""

from __future__ import annotations

import asyncio
import logging
import re
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from firmware_store.answers import plain, refused
from firmware_store.connections import Connection, Connections
from firmware_store.download_server import DownloadServer, Missing
from firmware_store.guesses import Guesses
from firmware_store.listening import Acceptor, ContextNow
from firmware_store.pace import Pace
from firmware_store.progress_notes import ProgressNotes
from firmware_store.tickets import Desk, Download, Upload
from firmware_store.turns import Crowded, Turns
from firmware_store.upload_server import UploadServer

logger = logging.getLogger(__name__)

_PATH = re.compile(r"/+([fu])/([A-Za-z0-9_-]{6,200})(/.*)?")
_METHODS = {"f": ("GET", "HEAD"), "u": ("PUT", "POST")}
_LONGEST_LINE = 4096
_MOST_HEADERS = 64
_LINGERING_SECONDS = 5.0
_LAST_SECONDS = 1.0
_RETRY_AFTER_SECONDS = 30


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """What is configured. `station_bytes_per_second`: None is as fast as the line goes.

    A client that moves fewer than `floor_bytes` in `floor_seconds` is cut off; one that says nothing, or does not come
    to the end of its headers, after `idle_seconds`.
    """

    host: str
    port: int
    tls_port: int | None = None
    transfers_at_once: int = 4
    station_bytes_per_second: int | None = None
    most_waiting: int = 64
    wait_seconds: float = 60.0
    idle_seconds: float = 60.0
    floor_bytes: int = 6000
    floor_seconds: float = 60.0


class TransferLoop:
    """Everything that answers stations, for one event loop."""

    def __init__(self, desk: Desk, settings: HttpSettings) -> None:
        self._desk = desk
        self._guesses = Guesses()
        self._connections = Connections(settings.floor_bytes, settings.floor_seconds)
        self._notes = ProgressNotes(desk)
        turns = Turns(
            at_once=settings.transfers_at_once, most_waiting=settings.most_waiting, wait_seconds=settings.wait_seconds
        )
        pace = Pace(settings.station_bytes_per_second)
        self._downloads = DownloadServer(desk, self._notes, turns, pace, self._connections)
        self._uploads = UploadServer(desk, turns, pace, self._connections)
        silent = logging.Logger("http")  # the library's: it would log what clients send
        silent.disabled = True
        self._server = web.Server(
            self._answer,
            handler_cancellation=True,
            access_log=None,
            logger=silent,
            keepalive_timeout=settings.idle_seconds,
            lingering_time=_LINGERING_SECONDS,
            max_line_size=_LONGEST_LINE,
            max_field_size=_LONGEST_LINE,
            max_headers=_MOST_HEADERS,
            auto_decompress=False,
        )

    async def serve(
        self, plain: list[socket.socket], encrypted: list[socket.socket], context: ContextNow, stop: asyncio.Event
    ) -> None:
        """Serve on these sockets until `stop` is set."""
        acceptor = Acceptor(self._new_connection)
        work: list[Callable[[], Awaitable[None]]] = [self._connections.watch, self._notes.keep_telling]
        work += [lambda one=one: acceptor.accept(one, None) for one in plain]  # type: ignore[misc]
        work += [lambda one=one: acceptor.accept(one, context) for one in encrypted]  # type: ignore[misc]
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_kept_running(one)) for one in work]
            await stop.wait()
            for task in tasks:
                task.cancel()
        await acceptor.end()
        self._connections.abort()
        await self._server.shutdown(_LAST_SECONDS / 4)
        try:
            async with asyncio.timeout(_LAST_SECONDS):
                await self._uploads.finished()
        except TimeoutError:
            logger.warning("an upload could not be handed on in time")
        await self._notes.last_words()

    def _new_connection(self, address: str, encrypted: bool, lost: Callable[[], None]) -> Connection:
        def made(connection: Connection) -> None:
            self._connections.of_transport[connection.transport] = connection

        def gone(connection: Connection) -> None:
            del self._connections.of_transport[connection.transport]
            lost()

        return Connection(self._server(), address=address, encrypted=encrypted, made=made, lost=gone)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        connection = self._connections.of_transport.get(request.transport) if request.transport else None
        if connection is None:
            raise ConnectionResetError
        connection.answering()
        try:
            return await self._answer_to(request, connection)
        except Crowded:
            return refused(503, "too many at once", retry_after_seconds=_RETRY_AFTER_SECONDS)
        except Missing:
            return plain(404, "not found")
        except ConnectionError:
            raise
        except OSError as error:
            logger.error("a transfer is not possible now: %s", error)
            return refused(503, "not possible now", retry_after_seconds=_RETRY_AFTER_SECONDS)
        except Exception:
            logger.exception("a transfer failed")
            connection.transport.abort()
            raise ConnectionResetError from None
        finally:
            connection.answered()

    async def _answer_to(self, request: web.BaseRequest, connection: Connection) -> web.StreamResponse:
        found = _PATH.fullmatch(request.rel_url.raw_path)
        if found is None:
            return await self._not_found(connection)
        door, token, tail = found[1], found[2], found[3] or ""
        if request.method not in _METHODS[door]:
            response = refused(405, "")
            response.headers["Allow"] = ", ".join(_METHODS[door])
            return response
        ticket = await self._desk.find(token)
        match ticket:
            case Download() if door == "f":
                return await self._downloads.answer(request, connection, token, ticket)
            case Upload() if door == "u":
                return await self._uploads.answer(request, connection, ticket, tail)
            case _:
                return await self._not_found(connection)

    async def _not_found(self, connection: Connection) -> web.Response:
        if not await self._guesses.missed(connection.address):
            connection.transport.abort()
            raise ConnectionResetError
        return refused(404, "not found")


async def _kept_running(work: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await work()
        except Exception:
            logger.exception("a part of the servers for transfers failed, and begins again")
            await asyncio.sleep(1.0)
