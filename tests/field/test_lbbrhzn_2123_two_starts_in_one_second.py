"""lbbrhzn/ocpp 2123, 2128: session numbers taken from the clock collided, and an unknown stop ended connector 1.

Here numbers rise in the database, each stop ends its own session, and what cannot be attributed ends none. Of the same
family (1730, 1741, 1771, 2143): a restart of the gateway in mid-session loses neither the session nor its history.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.conformance.site_under_test import Bench, TestClock
from tests.field.stage import REGISTER, Operator, site


async def test_after_a_power_cut_all_connectors_start_at_once(gateway: Bench, operator: Operator) -> None:
    async with gateway.station("CP-1") as one, gateway.station("CP-2") as two:
        places = [(station, connector) for station in (one, two) for connector in (1, 2)]
        started = await asyncio.gather(  # and the gateway's clock stands still
            *(station.starts(connector, f"TAG-{connector}") for station, connector in places)
        )
        numbers = [answer["transactionId"] for answer in started]
        assert len(set(numbers)) == 4
        await one.stops(1_800_000_000, meter=9999)  # of a life before ours
        assert len(await operator.sessions(open="true")) == 4
        for left, ((station, connector), number) in enumerate(zip(places, numbers, strict=True), 1):
            await station.stops(1_700_000_000 + left, meter=9999)  # not even when there is only one to guess
            assert len(await operator.sessions(open="true")) == 5 - left
            await station.stops(number, meter=1000 + 100 * left)
            ended = await operator.get(f"/transactions/{number}")
            assert (ended["connector"], ended["energy_wh"], ended["open"]) == (connector, 100 * left, False)
            assert len(await operator.sessions(open="true")) == 4 - left


async def test_a_restart_in_mid_session_loses_nothing_of_it(tmp_path: Path) -> None:
    clock, transaction = TestClock(), 0
    for life, register in enumerate((2000, 3000, 4000)):
        async with site(tmp_path, clock=clock) as (gateway, _), gateway.station() as station:
            if not transaction:
                transaction = await station.charges(1, meter=1000)
            clock.forward(minutes=10)
            at = f"2027-01-15T08:{10 * (life + 1)}:00Z"
            await station.measures(1, [{"value": str(register), **REGISTER}], at=at, transactionId=transaction)
    async with site(tmp_path, clock=clock) as (gateway, operator), gateway.station() as station:
        assert [one["transaction_id"] for one in await operator.sessions(open="true")] == [transaction]
        await station.stops(transaction, meter=4500, at="2027-01-15T08:35:00Z")
        session = await operator.get(f"/transactions/{transaction}")
    values = [one["sampledValue"][0]["value"] for one in session["meter_values"]]
    assert values == ["2000", "3000", "4000"]
    assert (session["meter_start_wh"], session["start_time"]) == (1000, "2027-01-15T08:00:00.000Z")
    assert (session["energy_wh"], session["anomalies"]) == (3500, [])
