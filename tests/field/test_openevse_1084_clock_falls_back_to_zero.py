"""OpenEVSE 1084, 1003: a charger's clock fell back to 1970 in the middle of everything and stayed there.

Here the running session is still ended by its stop with the right energy, the connector's status goes on with each
message, and the page shows how far off the station's clock is.
"""

from __future__ import annotations

from gateway.operations.attribute_meter_frames import attribute_all
from tests.conformance.site_under_test import Bench
from tests.field.stage import REGISTER, Operator


async def test_a_clock_that_is_lost_in_mid_session(gateway: Bench, operator: Operator) -> None:
    async with gateway.station() as station:
        transaction = await station.charges(1, meter=1000)
        gateway.clock.forward(minutes=10)
        for register, at in ((2000, "2027-01-15T08:10:00Z"), (3000, "1970-01-01T00:05:00Z")):
            await station.measures(1, [{"value": str(register), **REGISTER}], at=at)  # and without the number
        for status in ("SuspendedEV", "Charging", "Finishing"):
            gateway.clock.forward(seconds=30)
            await station.shows(1, status, timestamp="1970-01-01T00:06:00Z")
            shown = await operator.get("/stations/CP-1")
            assert shown["connectors"][0]["status"] == status
        assert shown["clock_offset_ms"] < -1_000_000_000_000
        await attribute_all(gateway.site)  # as the rounds of the house do each half minute
        assert await station.stops(transaction, meter=4000, at="1970-01-01T00:07:00Z", idTag="VALID") == {
            "idTagInfo": {"status": "Accepted"}
        }
        session = await operator.get(f"/transactions/{transaction}")
        assert (session["open"], session["energy_wh"]) == (False, 3000)
        assert {"clock_not_set", "stopped_before_start"} == set(session["anomalies"])
        assert len(session["meter_values"]) == 2
        following = await station.starts(1, "VALID", meter=4000, at="1970-01-01T00:30:00Z")
        assert following["idTagInfo"]["status"] == "Accepted"
        assert following["transactionId"] != transaction
