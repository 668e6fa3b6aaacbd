"""SteVe 136: a charger wrote local time as UTC until it had learned the time; OpenEVSE 836: a wrong zone, for good.

Here a status counts by its receipt while its time lies ahead, so nothing later looks old, and the offset is shown. A
session in the wrong zone is billed in its own words, marked, and locks nobody out; a zone may be set per station.
"""

from __future__ import annotations

from pathlib import Path

from tests.conformance.site_under_test import Bench
from tests.field.stage import Operator, site


async def test_a_station_two_hours_ahead_until_it_learns_the_time(gateway: Bench, operator: Operator) -> None:
    async with gateway.station() as station:
        await station.boots()
        for connector in (1, 0):  # still by the old backend's clock
            await station.shows(connector, "Available", timestamp="2027-01-15T09:59:50Z")
        gateway.clock.forward(seconds=20)
        await station.shows(0, "Available", timestamp="2027-01-15T08:00:20Z")
        await station.shows(1, "Preparing", timestamp="2027-01-15T08:00:20Z")
        shown = await operator.get("/stations/CP-1")
        assert {one["connector"]: one["status"] for one in shown["connectors"]} == {0: "Available", 1: "Preparing"}
        assert shown["clock_offset_ms"] == 0


async def test_a_station_that_stays_two_hours_ahead_is_billed_and_locks_nobody_out(
    gateway: Bench, operator: Operator
) -> None:
    async with gateway.station() as station, gateway.station("CP-2") as elsewhere:
        await station.shows(1, "Preparing", timestamp="2027-01-15T10:00:00Z")
        transaction = (await station.starts(1, "VALID", meter=0, at="2027-01-15T10:00:00Z"))["transactionId"]
        gateway.clock.forward(minutes=30)
        assert await station.stops(transaction, meter=7000, at="2027-01-15T10:30:00Z") == {}
        await station.shows(1, "Available", timestamp="2027-01-15T10:30:01Z")
        assert (await elsewhere.starts(1, "VALID", at="2027-01-15T08:30:00Z"))["idTagInfo"]["status"] == "Accepted"
    session = await operator.get(f"/transactions/{transaction}")
    assert (session["energy_wh"], session["start_time"]) == (7000, "2027-01-15T10:00:00.000Z")
    assert session["anomalies"] == ["clock_ahead"]
    assert (await operator.get("/stations/CP-1"))["clock_offset_ms"] == 7_200_000


async def test_a_station_that_writes_no_zone_may_be_told_apart(tmp_path: Path) -> None:
    more = '[[station]]\nid = "CP-1"\nutc_offset_minutes = 60\n'
    async with site(tmp_path, more=more) as (gateway, operator), gateway.station() as station:
        started = await station.starts(1, "VALID", at="2027-01-15T09:00:00")
        session = await operator.get(f"/transactions/{started['transactionId']}")
        assert (session["start_time"], session["anomalies"]) == ("2027-01-15T08:00:00.000Z", [])
