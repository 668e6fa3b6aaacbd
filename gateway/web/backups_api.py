"""/backup and /restore: the database as one file, out and back in."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Iterator
from http import HTTPStatus
from pathlib import Path
from typing import IO

from aiohttp import web

from gateway.model.instants import datetime_of
from gateway.operations.keep_backups import CannotCopy, UnusableDatabase, back_up, receiving_place, restore
from gateway.web.asking import expect_only, json_response
from gateway.web.login import actor_of
from gateway.web.problems import Problem, unacceptable
from gateway.web.routes import SITE, Route
from gateway.web.streaming import send_pieces

MOST_RESTORE_BYTES = 16 * 1024**3

_PIECE_BYTES = 256 * 1024
_PIECE_PATIENCE_SECONDS = 60.0
_SQLITE = "application/vnd.sqlite3"


async def get_backup(request: web.Request) -> web.StreamResponse:
    """A consistent copy of the database as of now."""
    expect_only(request, ())
    site = request.app[SITE]
    name = f"ocpp-gateway-{datetime_of(site.wall_clock()):%Y%m%dT%H%M%SZ}.db"
    with _trouble_told():
        async with back_up(site) as path:
            file = await asyncio.to_thread(path.open, "rb")
    # the file has no name any more: whatever happens now, nothing stays behind
    with contextlib.closing(file):
        headers = {
            "Content-Type": _SQLITE,
            "Content-Disposition": f'attachment; filename="{name}"',
            "Content-Length": str(os.fstat(file.fileno()).st_size),
            "Cache-Control": "no-store",
        }
        return await send_pieces(request, _pieces_of(file), headers=headers)


async def post_restore(request: web.Request) -> web.StreamResponse:
    """Put the database in the body in place of the live one."""
    expect_only(request, ())
    site = request.app[SITE]
    with _trouble_told(), receiving_place(site) as path:
        await _receive(request, path)
        epoch = await restore(site, path, actor=actor_of(request))
    return json_response({"status": "restored", "epoch": epoch})


@contextlib.contextmanager
def _trouble_told() -> Iterator[None]:
    """422 for a file that is no backup, 507 when the disk has no room; neither changes anything."""
    try:
        yield
    except UnusableDatabase as unusable:
        raise unacceptable(f"nothing was changed: {unusable}") from None
    except (ConnectionError, TimeoutError):
        raise  # of the client, not of the disk
    except (CannotCopy, OSError) as trouble:
        raise Problem(HTTPStatus.INSUFFICIENT_STORAGE, f"nothing was changed: {trouble}") from None


async def _receive(request: web.Request, path: Path) -> None:
    received = 0
    with contextlib.closing(await asyncio.to_thread(_new_file, path)) as file:
        while True:
            async with asyncio.timeout(_PIECE_PATIENCE_SECONDS):
                piece = await request.content.readany()
            if not piece:
                return
            received += len(piece)
            if received > MOST_RESTORE_BYTES:
                raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the file is larger than allowed")
            await asyncio.to_thread(file.write, piece)


async def _pieces_of(file: IO[bytes]) -> AsyncIterator[bytes]:
    while piece := await asyncio.to_thread(file.read, _PIECE_BYTES):
        yield piece


def _new_file(path: Path) -> IO[bytes]:
    return os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb")


ROUTES = (
    Route(
        "GET", "/api/v1/backup", get_backup, "installer", "A consistent copy of the database",
        answers={200: {_SQLITE: {"type": "string", "format": "binary"}}}, errors=(507,),
    ),
    Route(
        "POST", "/api/v1/restore", post_restore, "installer",
        "Restore a backup: begins a new epoch, closes all station connections, keeps the state before in backups/",
        request={_SQLITE: {"type": "string", "format": "binary"}}, answers={200: "Restored"}, errors=(413, 422, 507),
    ),
)  # fmt: skip
