"""OCPP.Core 31, OpenEVSE 756: a stop the backend could not process was answered with an error and repeated for ever.

A charger sends its queue in order and keeps the head until it gets a conf. Here every stop with as much as a number,
a register or a time gets one, what was wrong with it is kept beside it, and the message behind it gets its turn.
"""

from __future__ import annotations

from typing import Any

from tests.conformance.site_under_test import Bench
from tests.fakes.scripted_station import NOW
from tests.field.stage import Operator, empty_queue

GOOD = {"meterStop": 1500, "timestamp": NOW}
ODD: list[dict[str, Any]] = [
    {**GOOD, "reason": "UnplugButton"},
    {**GOOD, "idTag": None},
    {**GOOD, "idTag": ""},
    {**GOOD, "idTag": "\x10" + "X" * 300},
    {**GOOD, "transactionData": None},
    {**GOOD, "transactionData": "none"},
    {**GOOD, "transactionData": [{"timestamp": "0000-00-00", "sampledValue": [{}]}]},
    {**GOOD, "transactionId": "0x1F"},
    {**GOOD, "transactionId": None},
    {**GOOD, "transactionId": 1e30},
    {**GOOD, "meterStop": "1500.7"},
    {**GOOD, "meterStop": -1},
    {**GOOD, "meterStop": 10**30},
    {**GOOD, "timestamp": "yesterday"},
    {"timestamp": NOW},
    {"meterStop": 1500},
    {},
]


async def test_no_stop_blocks_the_messages_behind_it(gateway: Bench, operator: Operator) -> None:
    async with gateway.station() as station:
        for number, odd in enumerate(ODD):
            transaction = (await station.starts(1, "VALID", meter=1000 + number))["transactionId"]
            await empty_queue(station, [("StopTransaction", {"transactionId": transaction, **odd}), ("Heartbeat", {})])
            session = await operator.get(f"/transactions/{transaction}")
            assert not session["open"] and "reconstructed" not in session["anomalies"], (odd, session)
    assert len(await operator.sessions()) == len(ODD)


async def test_the_unplugged_car_without_a_tag_ends_its_session(gateway: Bench, operator: Operator) -> None:
    async with gateway.station() as station:
        transaction = await station.charges(1, meter=1000)
        await station.shows(1, "Finishing")
        stop = {"transactionId": transaction, "meterStop": 4000, "timestamp": NOW, "reason": "EVDisconnected"}
        assert await empty_queue(station, [("StopTransaction", stop)]) == [{}]
        assert (await station.boots())["status"] == "Accepted"
    (session,) = await operator.sessions()
    assert (session["open"], session["reason"], session["energy_wh"]) == (False, "EVDisconnected", 3000)
