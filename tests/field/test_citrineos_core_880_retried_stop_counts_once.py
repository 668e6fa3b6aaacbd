"""CitrineOS core 880: a stop told again after a lost answer stored its meter values again; energy was counted twice.

Here the retry is acknowledged like the first, over any connection and any restart, and adds nothing to bill or curve.
"""

from __future__ import annotations

from pathlib import Path

from tests.conformance.site_under_test import TestClock
from tests.field.stage import REGISTER, site


async def test_a_retried_stop_adds_neither_energy_nor_meter_values(tmp_path: Path) -> None:
    clock = TestClock()
    samples = [{"value": str(1000 + 500 * step), **REGISTER} for step in range(5)]
    data = [
        {"timestamp": f"2027-01-15T08:{10 * step:02}:00Z", "sampledValue": [sample]}
        for step, sample in enumerate(samples)
    ]
    stop = {"meterStop": 3000, "timestamp": "2027-01-15T08:40:00Z", "idTag": "VALID", "transactionData": data}
    async with site(tmp_path, clock=clock) as (gateway, operator):
        async with gateway.station() as station:
            transaction = await station.charges(1, meter=1000)
            stop["transactionId"] = transaction
            first = await station.say("StopTransaction", stop, message_id="17")
        once = await operator.get(f"/transactions/{transaction}")
        async with gateway.station() as station:
            assert await station.say("StopTransaction", stop, message_id="17") == first
            assert await station.say("StopTransaction", stop, message_id="18") == first
        assert await operator.metric("energy_delivered_watthours_total") == 2000
    async with site(tmp_path, clock=clock) as (gateway, operator):
        async with gateway.station() as station:
            assert await station.say("StopTransaction", stop, message_id="17") == first
        again = await operator.get(f"/transactions/{transaction}")
        assert again == once
        assert (len(again["meter_values"]), again["energy_wh"]) == (5, 2000)
        assert len(await gateway.events("transaction.ended")) == 1
