"""Whoever goes away in the middle of an answer is no fault of the gateway's, so its log says nothing of it."""

from __future__ import annotations

import asyncio
import logging
import socket
import struct

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from gateway.web.problems import problems_only

ASKED = b"GET / HTTP/1.1\r\nHost: gateway\r\n\r\n"
RESET_AT_CLOSE = struct.pack("ii", 1, 0)


async def test_a_reader_who_leaves_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    gone = asyncio.Event()

    async def begins_late(request: web.Request) -> web.StreamResponse:
        while request.transport is not None and not request.transport.is_closing():  # noqa: ASYNC110 (nobody tells)
            await asyncio.sleep(0)
        gone.set()
        response = web.StreamResponse()
        await response.prepare(request)
        return response

    application = web.Application(middlewares=[problems_only])
    application.router.add_get("/", begins_late)
    async with TestServer(application) as server:
        reader, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(ASKED)
        await writer.drain()
        connection: socket.socket = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_CLOSE)
        writer.close()
        async with asyncio.timeout(10):
            await gone.wait()
        async with asyncio.timeout(10):
            while server.handler is not None and server.handler.connections:  # noqa: ASYNC110 (nobody tells)
                await asyncio.sleep(0)
        assert reader.at_eof() or reader.exception() is not None
    assert [one for one in caplog.records if one.levelno >= logging.ERROR] == []
