"""lbbrhzn/ocpp 1000: a charger kept the negative number it had made up itself; its sessions had no data, no end.

Here its meter values are found by their connector and its stop ends the session that it alone can mean.
"""

from __future__ import annotations

from tests.conformance.site_under_test import Bench
from tests.field.stage import REGISTER, Operator

OWN = -1_698_419_043


async def test_a_session_under_the_stations_own_number_has_its_values_and_its_end(
    gateway: Bench, operator: Operator
) -> None:
    async with gateway.station() as station:
        await station.boots()
        for day in range(2):  # twice, so that the second must not be taken for the first
            start, register = f"2027-01-15T08:{30 * day:02}:00Z", 1000 + 2000 * day
            issued = (await station.starts(1, "VALID", meter=register, at=start))["transactionId"]
            for step in (1, 2):
                gateway.clock.forward(minutes=10)
                sample = [{"value": str(register + 500 * step), **REGISTER}]
                at = f"2027-01-15T08:{30 * day + 10 * step:02}:00Z"
                await station.measures(1, sample, at=at, transactionId=OWN - day)
            gateway.clock.forward(minutes=5)
            end = f"2027-01-15T08:{30 * day + 25:02}:00Z"
            assert await station.stops(OWN - day, meter=register + 1200, at=end) == {}
            session = await operator.get(f"/transactions/{issued}")
            assert (session["open"], session["energy_wh"]) == (False, 1200)
            assert len(session["meter_values"]) == 2
            gateway.clock.forward(minutes=5)
    assert len(await operator.sessions()) == 2
