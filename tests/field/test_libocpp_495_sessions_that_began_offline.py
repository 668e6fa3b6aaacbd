"""libocpp 495: a session begun offline was stopped as -1 and ran on in the backend without end.

Here it ends. When two such sessions fit, none is guessed: the stops are acknowledged and kept, and the sessions end
with what their connectors measured once these are free.
"""

from __future__ import annotations

from gateway.operations.keep_house import end_abandoned_sessions
from tests.conformance.site_under_test import Bench
from tests.field.stage import REGISTER, Operator, empty_queue


def began(connector: int, tag: str, meter: int, minute: int) -> tuple[str, object]:
    at = f"2027-01-15T08:{minute:02}:00Z"
    return "StartTransaction", {"connectorId": connector, "idTag": tag, "meterStart": meter, "timestamp": at}


def measured(connector: int, register: int, minute: int) -> tuple[str, object]:
    value = {"timestamp": f"2027-01-15T08:{minute:02}:00Z", "sampledValue": [{"value": str(register), **REGISTER}]}
    return "MeterValues", {"connectorId": connector, "transactionId": -1, "meterValue": [value]}


def ended(meter: int, minute: int) -> tuple[str, object]:
    at = f"2027-01-15T08:{minute:02}:00Z"
    return "StopTransaction", {"transactionId": -1, "meterStop": meter, "timestamp": at, "reason": "Local"}


async def test_a_session_begun_offline_and_stopped_online_ends(gateway: Bench, operator: Operator) -> None:
    gateway.clock.forward(hours=1)
    async with gateway.station() as station:
        await station.boots()
        await empty_queue(station, [began(1, "VALID", 971, 10), measured(1, 2971, 20), ended(3971, 30)])
    (session,) = await operator.sessions()
    assert (session["open"], session["energy_wh"]) == (False, 3000)
    assert len((await operator.get(f"/transactions/{session['transaction_id']}"))["meter_values"]) == 1


async def test_of_two_that_fit_none_is_guessed_and_none_runs_on(gateway: Bench, operator: Operator) -> None:
    gateway.clock.forward(hours=1)
    queue = [
        began(1, "VALID", 1000, 0), began(2, "OTHER", 1500, 5), measured(1, 4000, 20), measured(2, 8000, 25),
        ended(4100, 30), ended(9000, 40),
    ]  # fmt: skip
    async with gateway.station() as station:
        await station.boots()
        await empty_queue(station, queue)
        for connector in (1, 2):
            await station.shows(connector, "Available", timestamp="2027-01-15T09:00:00Z")
        for tag in ("VALID", "OTHER"):  # nobody is locked out meanwhile
            async with gateway.station("CP-2") as elsewhere:
                started = await elsewhere.starts(1, tag, at="2027-01-15T09:00:00Z")
                assert started["idTagInfo"]["status"] == "Accepted"
                await elsewhere.stops(started["transactionId"], at="2027-01-15T09:00:00Z")
        assert {one["meter_stop_wh"] for one in await gateway.events("transaction.orphan_stop")} == {4100, 9000}
        gateway.clock.forward(minutes=61)
        await station.say("Heartbeat", {})
        await end_abandoned_sessions(gateway.site)
    assert await operator.sessions(open="true") == []
    energies = {one["id_tag"]: one["energy_wh"] for one in await operator.sessions(station="CP-1") if one["id_tag"]}
    assert energies == {"VALID": 3000, "OTHER": 6500}
