"""Bytes that are no HTTP are answered, and cost the log one quiet line."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from gateway.web.application import make_application, serve
from tests.unit.web.conftest import configuration_in, open_site


@pytest.mark.parametrize(
    "sent",
    [b"GET /livez HTTP/9.9x\r\n\r\n", b"GET /livez HTTP/1.1\r\nHost: a\r\nbroken header\r\n\r\n", b"nonsense\r\n\r\n"],
)
async def test_a_malformed_request_is_answered_quietly(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, sent: bytes
) -> None:
    caplog.set_level(logging.DEBUG, logger="gateway")
    async with open_site(configuration_in(tmp_path)) as site, serve(site, make_application(site)) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        async with asyncio.timeout(5):
            answer = await reader.read()
        writer.close()
        await writer.wait_closed()
    assert answer.startswith(b"HTTP/1.") and b" 400 " in answer.splitlines()[0]
    assert not [record for record in caplog.records if record.levelno > logging.INFO or record.exc_info]
