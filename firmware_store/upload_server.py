"""PUT and POST of `/u/<token>[/anything]`: one file per request, however the station wraps it.

A file counts when all of it has arrived and is flushed; whatever ends before that leaves nothing. The bytes are kept as
they came: no Content-Encoding is undone. Who keeps the file, and under which name, is the desk's affair.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import re
from collections.abc import Coroutine
from dataclasses import dataclass, field, replace
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from firmware_store.answers import plain, refused
from firmware_store.connections import Connection, Connections
from firmware_store.pace import Pace
from firmware_store.spool import Spool, TooLarge
from firmware_store.tickets import Desk, NoRoom, Received, Upload
from firmware_store.turns import Turns
from firmware_store.upload_bodies import Arrived, Body, Unreadable, name_in, tail_of

logger = logging.getLogger(__name__)

_WHOLE = re.compile(r"bytes 0-(\d{1,18})/(\d{1,18})")
_DISK_IS_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FORM_ALLOWANCE = 64 * 1024
# the library asserts and raises RuntimeError where a form is odd enough
_NO_SUCH_BODY = (
    Unreadable, ValueError, AssertionError, RuntimeError, HttpProcessingError, web.RequestPayloadError,
)  # fmt: skip


@dataclass(slots=True)
class UploadServer:
    """Takes what stations upload, for one event loop."""

    desk: Desk
    turns: Turns
    pace: Pace
    connections: Connections
    _finishing: set[asyncio.Task[web.Response]] = field(default_factory=set)

    async def answer(
        self, request: web.BaseRequest, connection: Connection, ticket: Upload, tail: str
    ) -> web.StreamResponse:
        """Receive the file and hand it to the desk. Raises turns.Crowded, ConnectionError."""
        refusal = _refusal_of_head(request, ticket)
        if refusal is not None:
            return refusal
        async with self.turns.turn(ticket.station) as turn:
            turn.finished = True
            try:
                arrived = await self._receive(request, connection, ticket)
            except TooLarge:
                return _too_large(ticket)
            except _NO_SUCH_BODY:
                return refused(400, "the body cannot be read")
            except ConnectionError:
                raise
            except OSError as error:
                return _not_kept(error, ticket)
            name = arrived.name
            if name is None:
                name = name_in(request.headers.get("Content-Disposition", ""))
            if name is None:
                name = tail_of(tail)
            received = Received(
                link_id=ticket.link_id,
                path=arrived.spool.path,
                file_name=name,
                size=arrived.spool.size,
                sha256="",
                scheme="https" if connection.encrypted else "http",
                address=connection.address,
            )
            # all of it is here: it is kept also when the station does not wait for the answer
            return await asyncio.shield(self._in_background(self._finish(arrived.spool, received, ticket)))

    async def finished(self) -> None:
        """Wait until everything that arrived is with the desk."""
        if self._finishing:
            await asyncio.wait(self._finishing)

    async def _receive(self, request: web.BaseRequest, connection: Connection, ticket: Upload) -> Arrived:
        if connection.said_all and not request.content.is_eof():
            raise Unreadable("it ended early")
        if request.headers.get("Expect", "").lower() == "100-continue" and request.version >= (1, 1):
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        most = ticket.most_bytes
        body = Body(
            request.content,
            new_spool=lambda: Spool(
                ticket.folder, link_id=ticket.link_id, most_bytes=most, reserve_bytes=ticket.reserve_bytes
            ),
            most_bytes=most,
            moved=lambda count: self.pace.moved(ticket.station, count),
        )
        arrived = None
        connection.body = request.content
        try:
            with self.connections.watched(connection, body.received_bytes):
                arrived = await body.file(request.headers)
            return arrived
        finally:
            connection.body = None
            for spool in body.spools:
                if arrived is None or spool is not arrived.spool:
                    spool.discard()

    def _in_background(self, work: Coroutine[Any, Any, web.Response]) -> asyncio.Task[web.Response]:
        task = asyncio.get_running_loop().create_task(work)
        self._finishing.add(task)
        task.add_done_callback(self._finishing.discard)
        return task

    async def _finish(self, spool: Spool, received: Received, ticket: Upload) -> web.Response:
        try:
            await spool.flush()
            await self.desk.received(replace(received, sha256=spool.sha256))
        except NoRoom as error:
            logger.warning("an upload of station %s is not kept: %s", ticket.station, error)
            return refused(507, str(error))
        except OSError as error:
            return _not_kept(error, ticket)
        finally:
            spool.discard()
        return plain(201, "received")


def _refusal_of_head(request: web.BaseRequest, ticket: Upload) -> web.Response | None:
    """Why the body need not be sent; None: go on."""
    whole = request.headers.get("Content-Range")
    if whole is not None:
        found = _WHOLE.fullmatch(whole.strip())
        if found is None or int(found[1]) + 1 != int(found[2]):
            return refused(400, "send the whole file: parts are not put together")
    length = request.content_length
    if length is None:
        if "chunked" in request.headers.get("Transfer-Encoding", "").lower():
            return None
        return refused(411, "say how long the file is")
    allowance = _FORM_ALLOWANCE if "multipart/" in request.headers.get("Content-Type", "") else 0
    return _too_large(ticket) if length > ticket.most_bytes + allowance else None


def _too_large(ticket: Upload) -> web.Response:
    logger.warning("an upload of station %s is larger than allowed", ticket.station)
    return refused(413, f"at most {ticket.most_bytes} bytes")


def _not_kept(error: OSError, ticket: Upload) -> web.Response:
    logger.error("an upload of station %s cannot be kept: %s", ticket.station, error.strerror or type(error).__name__)
    if error.errno in _DISK_IS_FULL:
        return refused(507, "the disk is full")
    return refused(503, "not possible now", retry_after_seconds=60)
