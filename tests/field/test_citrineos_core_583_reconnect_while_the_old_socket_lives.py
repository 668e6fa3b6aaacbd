"""CitrineOS core 583: a station whose line had died was refused, because its dead socket still counted as connected.

Here the newest connection that proves who it is takes over at once, as often as it comes; without the station's
password nobody takes over anything.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest
from websockets.exceptions import InvalidStatus

from gateway.operations.provision_stations import put_station
from tests.conformance.site_under_test import Bench
from tests.field.stage import REGISTER, Operator

KEY = b"0123456789abcdef"


async def test_a_line_that_dies_every_few_minutes_costs_nothing(gateway: Bench, operator: Operator) -> None:
    await put_station(gateway.site, "CP-1", {"password": KEY.decode()}, actor="tester")
    known = ("CP-1", KEY)
    async with AsyncExitStack() as lines:
        station = await lines.enter_async_context(gateway.station(credentials=known))
        await station.boots()
        transaction = await station.charges(1, meter=1000)
        for turn in range(1, 9):
            gateway.clock.forward(minutes=5)
            lines.callback(station.cut)
            station.socket.transport.pause_reading()  # the router forgot it: no Close, no FIN, no RST comes through
            station = await lines.enter_async_context(gateway.station(credentials=known))
            sample = [{"value": str(1000 + 100 * turn), **REGISTER}]
            await station.measures(1, sample, at=f"2027-01-15T08:{5 * turn:02}:00Z", transactionId=transaction)
            asked = asyncio.create_task(operator.command("ClearCache", {}))
            await station.expect("ClearCache")  # over the living line, at once
            await station.answer({"status": "Accepted"})
            assert (await asked)[1]["status"] == "answered"
            with pytest.raises(InvalidStatus):
                async with gateway.station(credentials=("CP-1", b"somebody-else-16")):
                    pass
            assert (await operator.get("/stations/CP-1"))["connected"] is True
        assert await station.stops(transaction, meter=2000, at="2027-01-15T08:45:00Z") == {}
    session = await operator.get(f"/transactions/{transaction}")
    assert (session["energy_wh"], len(session["meter_values"]), session["anomalies"]) == (1000, 8, [])
