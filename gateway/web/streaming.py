"""Long answers: written piece by piece, given up when the client does not read for a minute or the gateway stops."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping

from aiohttp import web

_READER_PATIENCE_SECONDS = 60.0


async def send_pieces(
    request: web.Request, pieces: AsyncIterator[bytes], *, headers: Mapping[str, str]
) -> web.StreamResponse:
    """Send 200 with these headers and then every piece as soon as the client takes it.

    Where a piece cannot be made, the connection is cut and the error goes on: nobody takes the beginning for the whole.
    """
    response = web.StreamResponse(headers=headers)
    if "Content-Length" not in headers:
        response.enable_chunked_encoding()
    await response.prepare(request)
    whole = False
    try:
        async with contextlib.aclosing(pieces) as opened:  # type: ignore[type-var]
            async for piece in opened:
                if not await write(response, request, piece):
                    return response
        whole = True
    finally:
        if not whole and request.transport is not None:
            request.transport.abort()
    with contextlib.suppress(ConnectionError):
        await response.write_eof()
    return response


async def write(
    response: web.StreamResponse,
    request: web.Request,
    piece: bytes,
    patience_seconds: float | None = None,
) -> bool:
    """Send one piece; False when the client is gone, or has not read for so long (a minute): then it is cut off."""
    try:
        async with asyncio.timeout(_READER_PATIENCE_SECONDS if patience_seconds is None else patience_seconds):
            await response.write(piece)
    except ConnectionError:
        return False
    except TimeoutError:
        if request.transport is not None:
            request.transport.abort()
        return False
    return True
