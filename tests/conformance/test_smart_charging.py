"""Certification cases of Smart Charging, each by the letter of every revision of the test plan."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.charging_words import (
    ACCEPTED,
    BEGIN,
    DEFAULT,
    END,
    MAX,
    TX,
    absolute,
    clears,
    composite,
    in_force,
    profile,
    sets,
)
from tests.conformance.site_under_test import Bench
from tests.fakes.scripted_station import ScriptedStation


@pytest.mark.case("TC_056_CSMS")
@pytest.mark.parametrize(
    ("unit", "limit", "phases"), [("A", 6.0, {}), ("W", 6000.0, {}), ("A", 6.0, {"numberPhases": 1})]
)
async def test_tc_056_csms_tx_default_profile(
    gateway: Bench, station: ScriptedStation, unit: str, limit: float, phases: dict[str, int]
) -> None:
    period = {"startPeriod": 0, "limit": limit, **phases}
    wanted = absolute(
        DEFAULT, level=3, schedule={"duration": 3600, "chargingRateUnit": unit, "chargingSchedulePeriod": [period]}
    )
    got = await sets(gateway, station, 1, wanted)
    assert got["chargingProfileId"] > 0
    del got["chargingProfileId"]
    assert got == {
        "stackLevel": 3,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Absolute",
        "validFrom": BEGIN,
        "validTo": END,
        "chargingSchedule": {
            "duration": 3600,
            "startSchedule": BEGIN,
            "chargingRateUnit": unit,
            "chargingSchedulePeriod": [period],
        },
    }
    assert not {"transactionId", "recurrencyKind"} & got.keys()
    assert f'"limit":{limit}' in station.texts[-1]
    assert len(await gateway.rows("SELECT 1 FROM charging_profiles WHERE certain")) == 1


@pytest.mark.both_orders
@pytest.mark.case("TC_057_CSMS")
@pytest.mark.parametrize("kind", ["Absolute", "Relative"])
async def test_tc_057_csms_tx_profile(gateway: Bench, station: ScriptedStation, kind: str) -> None:
    transaction = await station.charges(1)
    write = absolute if kind == "Absolute" else profile
    got = await sets(gateway, station, 1, write(TX, 6.0, level=2, transactionId=transaction))
    assert (got["chargingProfilePurpose"], got["transactionId"]) == ("TxProfile", transaction)
    assert "recurrencyKind" not in got
    times: dict[str, Any] = {**got, **got["chargingSchedule"]}
    if kind == "Absolute":
        assert {"validFrom", "validTo", "startSchedule", "duration"} <= times.keys()
    else:
        assert "startSchedule" not in times
    assert await in_force(gateway) == [got["chargingProfileId"]]
    assert (await composite(gateway))[0] == (0, 6.0)


@pytest.mark.case("TC_066_CSMS")
@pytest.mark.parametrize(
    "answer",
    [
        {
            "status": "Accepted",
            "connectorId": 1,
            "scheduleStart": "2027-01-15T08:00:00Z",
            "chargingSchedule": {
                "duration": 300,
                "chargingRateUnit": "A",
                "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6.0}],
            },
        },
        {"status": "Accepted"},
        {"status": "Accepted", "connectorId": 1},
        {"status": "Rejected"},
    ],
)
async def test_tc_066_csms_get_composite_schedule(
    gateway: Bench, station: ScriptedStation, answer: dict[str, Any]
) -> None:
    wanted = {"connectorId": 1, "duration": 300, "chargingRateUnit": "A"}
    got, outcome = await gateway.sends(station, "GetCompositeSchedule", wanted, answered=answer)
    assert got == wanted
    assert (outcome.status, outcome.response, outcome.warning) == ("answered", answer, None)
    (kept,) = await gateway.rows("SELECT connector, json(request) AS request, json(response) AS response"
                                 " FROM composite_schedules")  # fmt: skip
    assert kept["connector"] == 1
    assert await gateway.events("command.finished")


@pytest.mark.case("TC_067_CSMS")
async def test_tc_067_csms_clear_charging_profile_2024_04(gateway: Bench, station: ScriptedStation) -> None:
    ids = [
        (await sets(gateway, station, 1, absolute(DEFAULT, 6.0, level=level)))["chargingProfileId"]
        for level in (4, 5, 6)
    ]
    assert len(set(ids)) == 3
    await clears(gateway, station, {"id": ids[0]})
    assert await in_force(gateway) == ids[1:]
    await clears(gateway, station, {"connectorId": 1, "chargingProfilePurpose": DEFAULT, "stackLevel": 5})
    assert await in_force(gateway) == ids[2:]
    await clears(gateway, station, {})
    assert await in_force(gateway) == []


@pytest.mark.both_orders
@pytest.mark.case("TC_067_CSMS")
async def test_tc_067_csms_clear_charging_profile_2025_11(gateway: Bench, station: ScriptedStation) -> None:
    transaction = await station.charges(1)
    first = await sets(gateway, station, 0, absolute(MAX, 6.0, level=4))
    second = await sets(gateway, station, 1, absolute(DEFAULT, 6.0, level=4))
    third = await sets(gateway, station, 1, absolute(TX, 6.0, level=4, transactionId=transaction))
    assert "transactionId" not in first
    assert "transactionId" not in second
    assert third["transactionId"] == transaction
    ids = [one["chargingProfileId"] for one in (first, second, third)]
    assert len(set(ids)) == 3
    assert await in_force(gateway) == ids
    await clears(gateway, station, {"id": ids[0]})
    await clears(gateway, station, {"connectorId": 1, "chargingProfilePurpose": DEFAULT, "stackLevel": 4})
    assert await in_force(gateway) == ids[2:]
    await clears(gateway, station, {})
    assert await in_force(gateway) == []


@pytest.mark.both_orders
@pytest.mark.case("TC_059_CSMS")
@pytest.mark.parametrize("kind", ["Relative", "Absolute"])
async def test_tc_059_csms_remote_start_with_profile(gateway: Bench, station: ScriptedStation, kind: str) -> None:
    write = absolute if kind == "Absolute" else profile
    wanted = {"connectorId": 1, "idTag": "VALID", "chargingProfile": write(TX, 6.0, level=1)}
    got, outcome = await gateway.sends(station, "RemoteStartTransaction", wanted, answered=ACCEPTED)
    asked = dict(got["chargingProfile"])
    number = asked.pop("chargingProfileId")
    assert {**got, "chargingProfile": asked} == wanted
    assert outcome.request == got
    assert asked["chargingProfilePurpose"] == "TxProfile"
    assert not {"transactionId", "recurrencyKind"} & asked.keys()
    assert asked["chargingSchedule"]["chargingSchedulePeriod"][0]["startPeriod"] == 0
    assert ("startSchedule" in asked["chargingSchedule"]) == (kind == "Absolute")
    assert outcome.warning is None
    assert await in_force(gateway) == []  # a promise, not yet a profile
    transaction = await station.charges(1, got["idTag"])
    assert await in_force(gateway) == [number]
    assert await composite(gateway, seconds=60) == [(0, 6.0)]
    await station.stops(transaction)
    assert await in_force(gateway) == []
