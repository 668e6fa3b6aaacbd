"""libocpp 497: after a restart the station reported list version 0: its list was gone, and nobody noticed.

Here the version is asked for after every boot. The station gets its list again when it is another one than the one it
accepted, and nothing when it is the same.
"""

from __future__ import annotations

from tests.conformance.list_at_work import gets_list, nothing_is_due, syncing, tags_in, tells_version
from tests.conformance.site_under_test import TAGS, Bench


async def test_a_list_that_is_gone_after_a_reboot_is_sent_again(gateway: Bench) -> None:
    async with gateway.station() as station:
        await station.boots()
        async with syncing(gateway):
            await tells_version(station, 0)
            given = await gets_list(station)
        await nothing_is_due(gateway)
    async with gateway.station() as station:
        await station.boots()
        async with syncing(gateway):
            await tells_version(station, 0)
            again = await gets_list(station)
        assert (again["updateType"], again["listVersion"] > given["listVersion"]) == ("Full", True)
        assert tags_in(again).keys() == TAGS.keys()
        await nothing_is_due(gateway)


async def test_a_list_that_survived_a_reboot_is_not_sent_again(gateway: Bench) -> None:
    async with gateway.station() as station:
        await station.boots()
        async with syncing(gateway):
            await tells_version(station, 0)
            given = await gets_list(station)
        await station.boots()
        async with syncing(gateway):
            await tells_version(station, given["listVersion"])
        await nothing_is_due(gateway)
