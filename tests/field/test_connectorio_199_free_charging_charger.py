"""connectorio-addons 199: a charger in free mode ends sessions nobody began; refused, it blocked the next start.

Here each of its stops is acknowledged and kept once, ends nobody else's session, and the next real start goes through.
"""

from __future__ import annotations

from tests.conformance.site_under_test import Bench
from tests.field.stage import Operator, empty_queue


async def test_stops_of_sessions_nobody_began_are_taken(gateway: Bench, operator: Operator) -> None:
    async with gateway.station("CP-2") as other, gateway.station() as free:
        running = await other.charges(1, "OTHER")
        numbers = (running, running + 1, 77, 2**31 - 1)
        stops = [
            {"transactionId": number, "meterStop": 1000 * place, "timestamp": f"2027-01-15T07:{10 * place:02}:00Z"}
            for place, number in enumerate(numbers, 1)
        ]
        queue: list[tuple[str, object]] = [("StopTransaction", stop) for stop in stops]
        assert await empty_queue(free, queue) == [{}] * 4
        assert [await free.say("StopTransaction", stop) for stop in stops] == [{}] * 4  # after a reboot, once more
        assert [one["transaction_id"] for one in await operator.sessions(open="true")] == [running]
        kept = [one["meter_stop_wh"] for one in await operator.sessions(station="CP-1")]
        assert sorted(kept) == [1000, 2000, 3000, 4000]
        started = await free.starts(1, "VALID")
        assert started["idTagInfo"]["status"] == "Accepted"
        assert started["transactionId"] not in {running, running + 1, 77}
        assert await free.stops(started["transactionId"]) == {}
