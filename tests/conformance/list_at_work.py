"""The operator brings a list to CP-1, and the station's side of it, request by request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any, TypeVar

from gateway.model.identities import StationId
from gateway.model.local_lists import UpdateType
from gateway.operations.ask_by_itself import LookAgain
from gateway.operations.describe_local_lists import describe_local_list
from gateway.operations.send_local_lists import Sending, send_local_list, sync_local_list
from tests.conformance.site_under_test import Bench
from tests.fakes.scripted_station import PATIENCE_SECONDS, ScriptedStation

ACCEPTED = {"status": "Accepted"}

T = TypeVar("T")


@asynccontextmanager
async def _beside(doing: Coroutine[Any, Any, T]) -> AsyncIterator[asyncio.Task[T]]:
    """What runs while the block plays the station; it must come to its end."""
    task = asyncio.create_task(doing)
    try:
        yield task
        async with asyncio.timeout(PATIENCE_SECONDS):
            await task
    finally:
        task.cancel()


async def _looks_after(gateway: Bench, station: str) -> None:
    """As when it is the station's turn; for so long the gateway may ask by itself."""
    connection = gateway.site.connected.get(StationId(station))
    if connection is None:
        return  # then it is nobody's turn
    before = connection.treatment
    connection.treatment = replace(before, quiet=False)
    with suppress(LookAgain):
        await sync_local_list(gateway.site, StationId(station))
    connection.treatment = before


@asynccontextmanager
async def sending(gateway: Bench, update_type: UpdateType) -> AsyncIterator[asyncio.Task[Sending]]:
    """The operator sends the list; the block plays the station, and the task is done at its end."""
    async with _beside(send_local_list(gateway.site, "CP-1", update_type, "tester")) as task:
        yield task


@asynccontextmanager
async def syncing(gateway: Bench, station: str = "CP-1") -> AsyncIterator[None]:
    """The gateway does by itself what is due; the block plays the station."""
    async with _beside(_looks_after(gateway, station)):
        yield


async def nothing_is_due(gateway: Bench) -> None:
    """The gateway has nothing to send by itself."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        await _looks_after(gateway, "CP-1")


async def gets_list(station: ScriptedStation, answer: object = ACCEPTED) -> dict[str, Any]:
    """The SendLocalList that arrives next, answered."""
    got = await station.expect("SendLocalList")
    await station.answer(answer)
    return got


async def tells_version(station: ScriptedStation, version: object) -> None:
    """The GetLocalListVersion that arrives next is answered with this version."""
    assert await station.expect("GetLocalListVersion") == {}
    await station.answer({"listVersion": version})


async def given_full_list(gateway: Bench, station: ScriptedStation) -> dict[str, Any]:
    """The memory state of the cases: a Full list was sent and accepted; that list."""
    async with sending(gateway, "Full"):
        return await gets_list(station)


async def known_list(gateway: Bench, station: str = "CP-1") -> dict[str, Any]:
    """What the operator sees of the station's list."""
    document = await describe_local_list(gateway.site, station)
    assert document is not None
    return document


def tags_in(request: dict[str, Any]) -> dict[str, Any]:
    """idTag to idTagInfo, None for one that is removed."""
    return {entry["idTag"]: entry.get("idTagInfo") for entry in request["localAuthorizationList"]}
