"""mobilityhouse/ocpp 265: entries without idTagInfo, and a charger that answered NotSupported; nobody knew why.

Here every entry of a Full list has its idTagInfo, NotSupported comes with a hint where to look, and what an operator
writes by hand goes out as written, with a memory that does not pretend to know what the station made of it.
"""

from __future__ import annotations

import asyncio

from tests.conformance.list_at_work import gets_list, tags_in
from tests.conformance.site_under_test import TAGS, Bench
from tests.field.stage import Operator

BY_HAND = {"listVersion": 7, "updateType": "Full", "localAuthorizationList": [{"idTag": "admin"}]}


async def test_every_entry_of_a_full_list_says_what_the_tag_may(gateway: Bench, operator: Operator) -> None:
    async with gateway.station() as station:
        await station.boots()
        order = asyncio.create_task(operator.send_list("Full"))
        got = await gets_list(station)
        status, outcome = await order
    assert (status, outcome["status"], outcome["version"]) == (200, "Accepted", got["listVersion"])
    assert tags_in(got).keys() == TAGS.keys()
    assert None not in tags_in(got).values()


async def test_not_supported_says_where_to_look(gateway: Bench, operator: Operator) -> None:
    async with gateway.station() as station:
        await station.boots()
        order = asyncio.create_task(operator.send_list("Full"))
        await gets_list(station, {"status": "NotSupported"})
        status, outcome = await order
    assert (status, outcome["status"]) == (200, "NotSupported")
    assert "LocalAuthListEnabled" in outcome["warning"]
    assert "SupportedFeatureProfiles" in outcome["warning"]


async def test_what_was_written_by_hand_is_not_taken_for_more_than_it_is(gateway: Bench, operator: Operator) -> None:
    async with gateway.station() as station:
        await station.boots()
        order = asyncio.create_task(operator.command("SendLocalList", BY_HAND))
        assert await gets_list(station) == BY_HAND
        assert (await order)[1]["response"] == {"status": "Accepted"}
        known = await operator.get("/stations/CP-1/local-list")
        assert (known["version"], known["entries"], known["up_to_date"]) == (7, None, False)
        order = asyncio.create_task(operator.send_list("Differential"))
        got = await gets_list(station)
        assert (got["updateType"], got["listVersion"]) == ("Full", 8)
        assert "not known what the station's list holds" in (await order)[1]["fell_back"]
