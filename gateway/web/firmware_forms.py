"""The multipart form with a firmware image: its fields as members of a manifest, its file written as it comes.

Fields may stand before or behind the file. Every mistake of a field is told by whoever reads the manifest; here is
refused what is no such form at all.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.multipart import BodyPartReader

from firmware_store.incoming import Arriving
from firmware_store.manifest import MEMBERS, members_of_form
from gateway.web.problems import bad_request, unacceptable

_PIECE_BYTES = 256 * 1024
_PIECE_PATIENCE_SECONDS = 60.0
_LONGEST_FIELD_BYTES = 64 * 1024
_MOST_FIELDS = 50


async def read_form(request: web.Request, arriving: Arriving) -> tuple[dict[str, object], str | None]:
    """The fields as JSON would have them, and how the file was called; its bytes are written to `arriving`."""
    fields: dict[str, str] = {}
    file_name: str | None = None
    has_file = False
    try:
        reader = await request.multipart()
        while (part := await _patiently(reader.next())) is not None:
            name = _name_of(part)
            if name in fields or (name == "file" and has_file):
                raise unacceptable(f"{name}: given twice")
            if name == "file":
                has_file, file_name = True, part.filename
                await _write(part, arriving)
            elif len(fields) >= _MOST_FIELDS:
                raise unacceptable("too many fields")
            else:
                fields[name] = await _text_of(part, name)
    except (ValueError, AssertionError, RuntimeError, EOFError, HttpProcessingError) as error:
        raise bad_request(f"the body is not the form that its headers announce: {error}") from None
    if not has_file:
        raise unacceptable("file: missing")
    return members_of_form(fields), file_name


def _name_of(part: Any) -> str:
    if not isinstance(part, BodyPartReader):
        raise unacceptable("a field has fields of its own")
    if part.headers.get("Content-Transfer-Encoding", "binary").lower() not in ("binary", "8bit", "7bit"):
        raise unacceptable("a Content-Transfer-Encoding is not taken: send the bytes as they are")
    name = part.name or ""
    if name not in MEMBERS and name != "file":
        raise unacceptable(f"{name[:100]}: unknown; known are file, {', '.join(MEMBERS)}")
    return name


async def _write(part: Any, arriving: Arriving) -> None:
    while not part.at_eof():
        if piece := await _patiently(part.read_chunk(_PIECE_BYTES)):
            await asyncio.to_thread(arriving.write, piece)


async def _text_of(part: Any, name: str) -> str:
    content = bytearray()
    while not part.at_eof():
        content += await _patiently(part.read_chunk(_PIECE_BYTES))
        if len(content) > _LONGEST_FIELD_BYTES:
            raise unacceptable(f"{name}: longer than allowed")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        if name == "signature":  # as openssl writes it
            return base64.b64encode(content).decode("ascii")
        if name == "signing_certificate":
            return ssl.DER_cert_to_PEM_cert(bytes(content))
        raise unacceptable(f"{name}: not UTF-8") from None


async def _patiently(reading: Any) -> Any:
    async with asyncio.timeout(_PIECE_PATIENCE_SECONDS):
        return await reading
