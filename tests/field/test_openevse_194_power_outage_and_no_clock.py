"""OpenEVSE 194: many hours after a power outage the clock was still wrong. The same happens to a gateway without one.

Here the gateway serves stations whatever its own clock says, sessions keep the stations' times, and when its clock
jumps by years to the right time, nothing that was recorded before is ended, refused or forgotten.
"""

from __future__ import annotations

from pathlib import Path

from gateway.model.instants import SECOND
from gateway.operations.attribute_meter_frames import attribute_all
from gateway.operations.keep_house import end_abandoned_sessions, end_silent_connections, forget
from tests.conformance.site_under_test import TestClock
from tests.field.stage import REGISTER, Operator, site

BUILT = 1_690_000_000 * SECOND  # where a machine without a battery begins: when its system was built, in 2023


async def outage(tmp_path: Path, look: str) -> object:
    """Sessions before and after the gateway learned the time; what `look` finds of the first."""
    clock = TestClock(now=BUILT)
    right = TestClock().now
    async with site(tmp_path, clock=clock) as (gateway, operator), gateway.station() as station:
        first = await station.charges(1, meter=1000, at="2027-01-15T08:00:00Z")
        sample = [{"value": "2000", **REGISTER}]
        await station.measures(1, sample, at="2027-01-15T08:10:00Z", transactionId=first)
        await station.stops(first, meter=3000, at="2027-01-15T08:20:00Z")
        running = await station.charges(2, "OTHER", meter=0, at="2027-01-15T08:25:00Z")
        clock.now = right + 1800 * SECOND  # somebody found the time
        end_silent_connections(gateway.site)
        await end_abandoned_sessions(gateway.site)
        assert [one["transaction_id"] for one in await operator.sessions(open="true")] == [running]
        await station.measures(2, sample, at="2027-01-15T08:31:00Z", transactionId=running)
        await attribute_all(gateway.site)  # as the rounds of the house do each half minute
        await forget(gateway.site)
        await station.stops(running, meter=9000, at="2027-01-15T09:00:00Z")
        assert (await operator.get(f"/transactions/{running}"))["energy_wh"] == 9000
        return await found(operator, first, look)


async def found(operator: Operator, transaction: int, member: str) -> object:
    return (await operator.get(f"/transactions/{transaction}"))[member]


async def test_sessions_go_on_while_the_gateways_clock_jumps(tmp_path: Path) -> None:
    assert await outage(tmp_path, "energy_wh") == 2000


async def test_what_was_measured_before_the_jump_is_not_forgotten(tmp_path: Path) -> None:
    assert await outage(tmp_path, "meter_values")
