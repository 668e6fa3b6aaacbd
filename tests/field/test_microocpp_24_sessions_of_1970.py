"""MicroOcpp 24: a charger that had not learned the time yet began sessions in 1970; backends refused, lost or hid them.

Here such a session has its energy, its meter values and its end like any other, is marked, is kept as long as all that
bills, and is found where the operator looks for the month's sessions.
"""

from __future__ import annotations

from gateway.operations.keep_house import forget
from tests.conformance.site_under_test import Bench
from tests.field.stage import REGISTER, Operator


async def test_a_session_begun_before_the_clock_was_set_is_whole(gateway: Bench, operator: Operator) -> None:
    async with gateway.station() as station:
        await station.shows(1, "Preparing", timestamp="1970-01-01T00:00:20Z")
        transaction = (await station.starts(1, "VALID", meter=500, at="1970-01-01T00:00:31Z"))["transactionId"]
        sample = [{"value": "2500", **REGISTER}]
        await station.measures(1, sample, at="1970-01-01T00:10:31Z", transactionId=transaction)
        await station.boots()  # and from here on it knows the time
        gateway.clock.forward(minutes=20)
        assert (await operator.get("/stations/CP-1"))["connectors"][0]["status"] == "Preparing"
        assert await station.stops(transaction, meter=4500, at="2027-01-15T08:20:00Z") == {}
        await station.shows(1, "Available", timestamp="2027-01-15T08:20:00Z")
        await forget(gateway.site)
    session = await operator.get(f"/transactions/{transaction}")
    assert (session["open"], session["energy_wh"], session["anomalies"]) == (False, 4000, ["clock_not_set"])
    assert len(session["meter_values"]) == 1
    assert [one["transaction_id"] for one in await operator.sessions()] == [transaction]


async def test_two_sessions_after_two_power_cuts_are_two(gateway: Bench, operator: Operator) -> None:
    """No clock, and a meter that counts from 0 in each session: the car is plugged in half a minute after power-up."""
    for day in range(2):
        async with gateway.station() as station:
            started = await station.starts(1, "VALID", meter=0, at="1970-01-01T00:00:31Z")
            at = f"2027-01-{15 + day}T08:30:00Z"
            gateway.clock.forward(minutes=30)
            assert await station.stops(started["transactionId"], meter=7000 + day, at=at) == {}
        gateway.clock.forward(hours=23, minutes=30)
    assert [one["energy_wh"] for one in await operator.sessions()] == [7000, 7001]


async def test_a_session_of_1970_is_in_the_list_of_its_month(gateway: Bench, operator: Operator) -> None:
    async with gateway.station() as station:
        started = await station.starts(1, "VALID", meter=0, at="1970-01-01T00:00:31Z")
        await station.stops(started["transactionId"], meter=7000, at="2027-01-15T08:20:00Z")
    month = {"from": "2027-01-01T00:00:00Z", "to": "2027-02-01T00:00:00Z"}
    assert [one["energy_wh"] for one in await operator.sessions(**month)] == [7000]
