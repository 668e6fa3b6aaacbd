"""GET and HEAD of `/f/<token>/<name>`: as plain as HTTP can be, because the clients are small and old.

Always Content-Length, never chunked, never compressed, whatever lies beside the file. The entity tag is the digest, so
two halves of different images never become one file. Which part is answered is decided in `ranges`.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from aiohttp import web

from firmware_store.answers import PLAIN
from firmware_store.connections import Connection, Connections
from firmware_store.pace import Pace
from firmware_store.progress_notes import Piece, ProgressNotes
from firmware_store.ranges import Asked, Otherwise, Part, Unchanged, Unsatisfiable, Whole, choice
from firmware_store.sending import Part as FilePart
from firmware_store.sending import Sender, TooShort, Withdrawn
from firmware_store.tickets import Desk, Download
from firmware_store.turns import Turns

logger = logging.getLogger(__name__)


class Missing(Exception):
    """The file is not on the disk, or not as it was."""


class DownloadServer:
    """Answers what stations fetch, for one event loop."""

    def __init__(self, desk: Desk, notes: ProgressNotes, turns: Turns, pace: Pace, connections: Connections) -> None:
        self._desk = desk
        self._notes = notes
        self._turns = turns
        self._pace = pace
        self._connections = connections

    async def answer(
        self, request: web.BaseRequest, connection: Connection, token: str, ticket: Download
    ) -> web.StreamResponse:
        """Send what was asked for. Raises Missing, turns.Crowded."""
        etag = f'"{ticket.sha256}"'
        headers = {**PLAIN, "ETag": etag, "Accept-Ranges": "bytes"}
        match choice(_asked(request), etag=etag, size=ticket.size, is_get=request.method == "GET"):
            case Otherwise():
                return web.Response(status=412, headers=headers)
            case Unchanged():
                return web.Response(status=304, headers=headers)
            case Unsatisfiable():
                return web.Response(status=416, headers=headers | {"Content-Range": f"bytes */{ticket.size}"})
            case Part(start, end):
                headers["Content-Range"] = f"bytes {start}-{end - 1}/{ticket.size}"
                status = 206
            case Whole():
                start, end, status = 0, ticket.size, 200
        response = web.StreamResponse(status=status, headers=headers)
        response.content_type = "application/octet-stream"
        response.content_length = end - start
        with _opened(ticket) as descriptor:
            if request.method == "HEAD":
                await response.prepare(request)
                await response.write_eof()
                return response
            async with self._turns.turn(ticket.station) as turn:
                piece = self._notes.begin(ticket.link_id, start, after=connection.fetched)
                connection.fetched = piece
                try:
                    await self._send(_Going(request, response, connection, token, ticket), descriptor, end, piece)
                finally:
                    self._notes.end(piece)
                turn.finished = end == ticket.size
        return response

    async def _send(self, going: _Going, descriptor: int, end: int, piece: Piece) -> None:
        """Raises ConnectionResetError when not all of it went out: the client then sees that it has not all."""
        connection, ticket = going.connection, going.ticket

        async def still_allowed() -> bool:
            try:
                return await self._desk.find(going.token) == ticket
            except OSError:
                return True  # nobody said that it is not

        def moved() -> int:
            return piece.position - connection.unread_by_client()

        part = FilePart(descriptor, end, piece, ticket.station)
        sender = Sender(connection, self._pace, still_allowed)
        try:
            with self._connections.watched(connection, moved):
                await going.response.prepare(going.request)
                await sender.send(going.request, going.response, part)
                await going.response.write_eof()
        except Withdrawn:
            logger.warning("a download of station %s was cut off: its link does not hold any more", ticket.station)
        except TooShort:
            logger.error("the image of link %d is damaged: its file is too short", ticket.link_id)
        else:
            return
        connection.transport.abort()
        raise ConnectionResetError


def _asked(request: web.BaseRequest) -> Asked:
    headers = request.headers
    return Asked(
        headers.getall("Range", ()), headers.get("If-Range"), headers.get("If-Match"), headers.get("If-None-Match")
    )


@dataclass(frozen=True, slots=True)
class _Going:
    request: web.BaseRequest
    response: web.StreamResponse
    connection: Connection
    token: str
    ticket: Download


@contextmanager
def _opened(ticket: Download) -> Iterator[int]:
    try:
        descriptor = os.open(ticket.path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        logger.error("the image of link %d cannot be read: %s", ticket.link_id, error.strerror)
        raise Missing from error
    try:
        if os.fstat(descriptor).st_size != ticket.size:
            logger.error("the image of link %d is damaged: its file has another size", ticket.link_id)
            raise Missing
        yield descriptor
    finally:
        os.close(descriptor)
