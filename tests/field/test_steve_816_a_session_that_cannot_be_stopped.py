"""SteVe 816, 651, 1693: the operator's stop failed or was taken for the end, and dead sessions stayed in the list.

Here the operator is told what the station said, a request to stop ends nothing by itself, and a session whose stop
never comes ends with what was measured, as soon as its connector has been free long enough.
"""

from __future__ import annotations

import asyncio

from gateway.operations.keep_house import end_abandoned_sessions
from tests.conformance.site_under_test import Bench
from tests.field.stage import REGISTER, Operator


async def test_the_stop_button_never_ends_in_an_error_of_ours(gateway: Bench, operator: Operator) -> None:
    async with gateway.station() as station:
        transaction = await station.charges(1)
    await gateway.gone()
    stop = ("RemoteStopTransaction", {"transactionId": transaction})
    status, outcome = await operator.command(*stop)
    assert (status, outcome["status"]) == (409, "not_connected")
    async with gateway.station() as station:
        for said in ("Rejected", "Accepted"):
            asked = asyncio.create_task(operator.command(*stop))
            await station.expect("RemoteStopTransaction")
            await station.answer({"status": said})
            status, outcome = await asked
            assert (status, outcome["response"]) == (200, {"status": said})
            assert [one["transaction_id"] for one in await operator.sessions(open="true")] == [transaction]
        assert await station.stops(transaction, reason="Remote") == {}
    assert await operator.sessions(open="true") == []


async def test_a_dead_session_leaves_the_list_by_itself_with_what_was_measured(
    gateway: Bench, operator: Operator
) -> None:
    async with gateway.station() as station:
        transaction = await station.charges(1, meter=1000)
        gateway.clock.forward(minutes=40)
        await station.measures(1, [{"value": "7400", **REGISTER}], at="2027-01-15T08:40:00Z", transactionId=transaction)
        station.cut()  # the power is out, and the session was in RAM
    await gateway.gone()
    gateway.clock.forward(minutes=20)
    async with gateway.station() as station:
        await station.boots()
        await station.shows(1, "Available", timestamp="2027-01-15T09:00:00Z")
        # the driver is not locked out meanwhile
        async with gateway.station("CP-2") as elsewhere:
            assert (await elsewhere.starts(1, at="2027-01-15T09:00:30Z"))["idTagInfo"]["status"] == "Accepted"
        gateway.clock.forward(minutes=61)
        await station.say("Heartbeat", {})
        await end_abandoned_sessions(gateway.site)  # what the rounds of the house do each minute
    assert [one["station"] for one in await operator.sessions(open="true")] == ["CP-2"]
    dead = await operator.get(f"/transactions/{transaction}")
    assert (dead["energy_wh"], dead["stop_time"]) == (6400, "2027-01-15T08:40:00.000Z")
    assert "reconstructed" in dead["anomalies"]
