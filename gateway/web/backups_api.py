"""/backup and /restore: the database as one file, out and back in; encrypted where a passphrase is given.

A backup comes back as the body itself, or in the form of a browser.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from http import HTTPStatus
from pathlib import Path
from typing import IO
from urllib.parse import unquote

from aiohttp import web

from gateway.model.instants import datetime_of
from gateway.operations.keep_backups import CannotCopy, UnusableDatabase, back_up, receiving_place, restore
from gateway.operations.seal_backups import is_sealed, sealed_pieces, trouble_with, unseal_to
from gateway.operations.site import Site
from gateway.web.asking import expect_only, json_response, object_of
from gateway.web.backup_forms import FORM, read_backup_form
from gateway.web.login import actor_of
from gateway.web.problems import Problem, unacceptable
from gateway.web.routes import SITE, Route
from gateway.web.streaming import send_pieces

MOST_RESTORE_BYTES = 16 * 1024**3

_PIECE_BYTES = 256 * 1024
_PIECE_PATIENCE_SECONDS = 60.0
_SQLITE = "application/vnd.sqlite3"
_SEALED = "application/octet-stream"
_PASSPHRASE = "Backup-Passphrase"


async def get_backup(request: web.Request) -> web.StreamResponse:
    """A consistent copy of the database as of now."""
    expect_only(request, ())
    site = request.app[SITE]
    with contextlib.closing(await _copy(site)) as file:
        length = str(os.fstat(file.fileno()).st_size)
        headers = {**_headers(site, _SQLITE, "db"), "Content-Length": length}
        return await send_pieces(request, _pieces_of(file), headers=headers)


async def post_backup(request: web.Request) -> web.StreamResponse:
    """The same, readable only with the passphrase in the body."""
    expect_only(request, ())
    site, fields = request.app[SITE], await object_of(request)
    passphrase = fields.get("passphrase")
    if not isinstance(passphrase, str) or fields.keys() != {"passphrase"}:
        raise unacceptable('expected {"passphrase": TEXT}')
    trouble = trouble_with(passphrase)
    if trouble is not None:
        raise unacceptable("no backup was made", [{"field": "passphrase", "detail": trouble}])
    with contextlib.closing(await _copy(site)) as file:
        return await send_pieces(request, sealed_pieces(file, passphrase), headers=_headers(site, _SEALED, "ocppgwb"))


async def _copy(site: Site) -> IO[bytes]:
    """An open copy that has no name any more: whatever happens now, nothing stays behind."""
    with _trouble_told():
        async with back_up(site) as path:
            return await asyncio.to_thread(path.open, "rb")


def _headers(site: Site, media: str, suffix: str) -> dict[str, str]:
    name = f"ocpp-gateway-{datetime_of(site.wall_clock()):%Y%m%dT%H%M%SZ}.{suffix}"
    return {
        "Content-Type": media,
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "no-store",
    }


async def post_restore(request: web.Request) -> web.StreamResponse:
    """Put the database in the body in place of the live one."""
    expect_only(request, ())
    site, passphrase = request.app[SITE], _passphrase_of(request)
    with _trouble_told(), receiving_place(site) as received, receiving_place(site) as opened:
        if request.content_type == FORM:
            passphrase = await _receive_form(request, received)
        else:
            await _receive(request, received)
        path = received
        if await asyncio.to_thread(is_sealed, received):
            if passphrase is None:
                raise UnusableDatabase(f"the file is encrypted: send its passphrase in the header {_PASSPHRASE}")
            await asyncio.to_thread(unseal_to, received, opened, passphrase)
            path = opened
        elif passphrase is not None:
            raise UnusableDatabase("the file is not encrypted: leave the passphrase away")
        epoch = await restore(site, path, actor=actor_of(request))
    return json_response({"status": "restored", "epoch": epoch})


def _passphrase_of(request: web.Request) -> str | None:
    """The passphrase of the header, which is percent-encoded UTF-8."""
    text = request.headers.get(_PASSPHRASE)
    try:
        return None if text is None else unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise unacceptable(f"{_PASSPHRASE}: expected percent-encoded UTF-8") from None


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
    async with _written(path) as write:
        while True:
            async with asyncio.timeout(_PIECE_PATIENCE_SECONDS):
                piece = await request.content.readany()
            if not piece:
                return
            await write(piece)


async def _receive_form(request: web.Request, path: Path) -> str | None:
    """The passphrase that comes with it."""
    async with _written(path) as write:
        return await read_backup_form(request, write)


@contextlib.asynccontextmanager
async def _written(path: Path) -> AsyncIterator[Callable[[bytes], Awaitable[None]]]:
    """What writes pieces to a new file, up to the most that is allowed."""
    received = 0
    with contextlib.closing(await asyncio.to_thread(_new_file, path)) as file:

        async def write(piece: bytes) -> None:
            nonlocal received
            received += len(piece)
            if received > MOST_RESTORE_BYTES:
                raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the file is larger than allowed")
            await asyncio.to_thread(file.write, piece)

        yield write


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
        "POST", "/api/v1/backup", post_backup, "installer", "The same, encrypted with a passphrase",
        request={"application/json": "BackupWish"},
        answers={200: {_SEALED: {"type": "string", "format": "binary"}}}, errors=(400, 413, 422, 507),
    ),
    Route(
        "POST", "/api/v1/restore", post_restore, "installer",
        "Restore a backup, an encrypted one with its header: begins a new epoch, closes all station connections",
        request={
            **{media: {"type": "string", "format": "binary"} for media in (_SQLITE, _SEALED)}, FORM: "RestoreForm",
        },
        answers={200: "Restored"}, errors=(400, 413, 422, 507),
    ),
)  # fmt: skip
