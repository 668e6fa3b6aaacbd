"""Clients that send or read too slowly are let go, and answers that break off are seen to; nobody else notices."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import cast

import pytest
from aiohttp import ClientError
from aiohttp.test_utils import TestServer

from gateway.store import reports_transactions
from gateway.store.reports_transactions import Filters
from gateway.web import asking, streaming
from tests.unit.web.conftest import Door
from tests.unit.web.test_events_api import tell


async def test_a_body_that_never_ends_is_given_up(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "_BODY_PATIENCE_SECONDS", 0.05)
    finished = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b"{"
        await finished.wait()

    async with asyncio.timeout(10):
        await door.problem("PUT", "/api/v1/id-tags/A", data=body(), expect=408)
    finished.set()


async def test_a_reader_that_sleeps_is_cut_off(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "_READER_PATIENCE_SECONDS", 0.05)
    server = cast(TestServer, door.client.server)
    assert server.runner is not None and server.runner.server is not None
    answering = server.runner.server
    response = await door.ask("GET", "/api/v1/events/stream")
    watched = list(answering.connections)
    # more than the buffers between us can take
    await door.write(lambda db: [tell(db, "connector.status", "S-1", texts=["x" * 4000] * 5) for _ in range(1000)])
    async with asyncio.timeout(20):
        while set(watched) & set(answering.connections):  # noqa: ASYNC110 (nobody is told)
            await asyncio.sleep(0.01)
    response.close()


async def test_a_long_answer_that_cannot_go_on_breaks_off(
    door: Door, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(readers: object, filters: Filters) -> AsyncIterator[list[dict[str, object]]]:
        yield []
        raise ValueError("no such row")

    monkeypatch.setattr(reports_transactions, "walk", broken)
    response = await door.ask("GET", "/api/v1/transactions.csv")
    assert response.status == 200
    async with asyncio.timeout(10):
        with pytest.raises(ClientError):
            await response.read()
    assert "no such row" in caplog.text
    assert (await door.ask("GET", "/api/v1/transactions")).status == 200
