"""motown 26: a Differential was refused, and the station kept its old list until somebody noticed.

Here a Full list follows by itself, in the same request of the operator, who is told what happened.
"""

from __future__ import annotations

import asyncio

import pytest

from tests.conformance.list_at_work import gets_list, tags_in, tells_version
from tests.conformance.site_under_test import TAGS, Bench
from tests.field.stage import Operator


@pytest.mark.parametrize("answer", ["VersionMismatch", "Failed"])
async def test_a_full_list_follows_by_itself(gateway: Bench, operator: Operator, answer: str) -> None:
    async with gateway.station() as station:
        await station.boots()
        order = asyncio.create_task(operator.send_list("Full"))
        given = await gets_list(station)
        assert (await order)[0] == 200
        await operator.put_tag("NEW")
        order = asyncio.create_task(operator.send_list("Differential"))
        await tells_version(station, given["listVersion"])
        assert tags_in(await gets_list(station, {"status": answer})).keys() == {"NEW"}
        full = await gets_list(station)
        assert (full["updateType"], tags_in(full).keys()) == ("Full", {*TAGS, "NEW"})
        status, outcome = await order
    assert (status, outcome["status"], outcome["version"]) == (200, "Accepted", full["listVersion"])
    assert [part["status"] for part in outcome["requests"]] == [answer, "Accepted"]
    assert answer in outcome["fell_back"]
    assert (await operator.get("/stations/CP-1"))["local_list"]["up_to_date"] is True
