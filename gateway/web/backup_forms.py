"""The multipart form with a backup, as a browser sends it: the file written as it comes, and perhaps its passphrase.

What is in the file is not known here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.multipart import BodyPartReader

from gateway.web.problems import bad_request, unacceptable

FORM = "multipart/form-data"

_PIECE_BYTES = 256 * 1024
_PIECE_PATIENCE_SECONDS = 60.0
_LONGEST_PASSPHRASE_BYTES = 8 * 1024


async def read_backup_form(request: web.Request, write: Callable[[bytes], Awaitable[None]]) -> str | None:
    """Write the field `file`, and return the field `passphrase` (None: empty or left out); either may come first."""
    passphrase: str | None = None
    seen: set[str] = set()
    try:
        reader = await request.multipart()
        while (part := await _patiently(reader.next())) is not None:
            name = part.name if isinstance(part, BodyPartReader) else None
            if name not in ("file", "passphrase") or name in seen:
                raise unacceptable("expected the fields file and passphrase, each once")
            seen.add(name)
            if name == "file":
                await _write(part, write)
            else:
                passphrase = await _text_of(part) or None
    except (ValueError, AssertionError, RuntimeError, EOFError, HttpProcessingError) as error:
        raise bad_request(f"the body is not the form that its headers announce: {error}") from None
    if "file" not in seen:
        raise unacceptable("file: missing")
    return passphrase


async def _write(part: Any, write: Callable[[bytes], Awaitable[None]]) -> None:
    while not part.at_eof():
        if piece := await _patiently(part.read_chunk(_PIECE_BYTES)):
            await write(piece)


async def _text_of(part: Any) -> str:
    content = bytearray()
    while not part.at_eof():
        content += await _patiently(part.read_chunk(_PIECE_BYTES))
        if len(content) > _LONGEST_PASSPHRASE_BYTES:
            raise unacceptable("passphrase: longer than allowed")
    return content.decode("utf-8")  # what is not UTF-8 is a ValueError


async def _patiently(reading: Any) -> Any:
    async with asyncio.timeout(_PIECE_PATIENCE_SECONDS):
        return await reading
