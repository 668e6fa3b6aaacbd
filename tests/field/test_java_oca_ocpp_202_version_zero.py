"""Java-OCA-OCPP 202: version 0 means an empty list in a report, but may it be sent, and what is after clearing a list?

Here the gateway never chooses 0. A station that reports 0 after it was given an empty list holds what it should, and
gets nothing again. An operator who sends 0 by hand is not stopped, and the memory follows.
"""

from __future__ import annotations

import asyncio

from tests.conformance.list_at_work import gets_list, nothing_is_due, syncing, tells_version
from tests.conformance.site_under_test import TAGS, Bench
from tests.field.stage import Operator


async def forget_all_tags(operator: Operator) -> None:
    for tag in TAGS:
        await operator.delete(f"/id-tags/{tag}")


async def test_a_cleared_list_that_is_reported_as_zero_is_up_to_date(gateway: Bench, operator: Operator) -> None:
    async with gateway.station() as station:
        await station.boots()
        async with syncing(gateway):
            await tells_version(station, 0)
            first = await gets_list(station)
        await forget_all_tags(operator)
        async with syncing(gateway):
            await tells_version(station, first["listVersion"])
            cleared = await gets_list(station)
        assert cleared["listVersion"] > first["listVersion"]
        await station.boots()
        async with syncing(gateway):
            await tells_version(station, 0)
        await nothing_is_due(gateway)
        known = await operator.get("/stations/CP-1/local-list")
        assert (known["version"], known["entries"], known["up_to_date"]) == (0, 0, True)
        await operator.put_tag("NEW")
        async with syncing(gateway):
            await tells_version(station, 0)
            got = await gets_list(station)
        assert (got["updateType"], got["listVersion"] > cleared["listVersion"]) == ("Full", True)


async def test_zero_by_hand_is_sent_and_followed(gateway: Bench, operator: Operator) -> None:
    clearing = {"listVersion": 0, "updateType": "Full", "localAuthorizationList": []}
    async with gateway.station() as station:
        await station.boots()
        order = asyncio.create_task(operator.command("SendLocalList", clearing))
        assert await gets_list(station) == clearing
        await order
        assert (await operator.get("/stations/CP-1/local-list"))["version"] == 0
        order = asyncio.create_task(operator.send_list("Differential"))
        got = await gets_list(station)
        assert (got["updateType"], got["listVersion"] >= 1) == ("Full", True)
        await order
