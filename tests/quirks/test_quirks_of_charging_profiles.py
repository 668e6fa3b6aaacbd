"""Quirks of charging profiles: stations that take limits in one shape only, in one unit only, or hold old ones."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.model.identities import StationId
from gateway.operations.describe_profiles import describe_profiles
from gateway.operations.reconcile_profiles import reconcile_profiles
from tests.conformance.charging_words import (
    ACCEPTED,
    DEFAULT,
    MAX,
    absolute,
    composite,
    in_force,
    profile,
    sets,
    warning,
)
from tests.conformance.site_under_test import Bench
from tests.fakes.scripted_station import ScriptedStation

UNKNOWN = {"status": "Unknown"}


@pytest.mark.parametrize(
    ("connector", "shape", "warned"),
    [
        (0, profile(MAX, 10, chargingProfileId=1), None),
        (1, profile(MAX, 10, chargingProfileId=1), "connectorId: a ChargePointMaxProfile belongs on connector 0"),
        (0, profile(DEFAULT, 10, level=999, chargingProfileId=998), None),
        (1, profile(DEFAULT, 0, chargingProfileId=1), None),
        (1, profile(DEFAULT, (10, 6.0), chargingProfileId=1), "startPeriod: the first must be 0"),
        (1, profile(DEFAULT, 6000, chargingProfileId=0, schedule={"chargingRateUnit": "W"}), None),
    ],
)
async def test_quirk_3_30_any_shape_goes_out_as_written_so_that_a_station_s_own_can_be_found(
    gateway: Bench, station: ScriptedStation, connector: int, shape: dict[str, Any], warned: str | None
) -> None:
    payload = {"connectorId": connector, "csChargingProfiles": shape}
    got, outcome = await gateway.sends(station, "SetChargingProfile", payload, answered=ACCEPTED)
    assert (got, outcome.request, outcome.warning) == (payload, None, warned)
    assert await in_force(gateway) == [shape["chargingProfileId"]]


async def test_quirk_3_30_what_the_station_told_of_itself_is_held_against_the_shape(
    gateway: Bench, station: ScriptedStation
) -> None:
    keys = [{"key": "chargeprofilemaxstacklevel", "readonly": True, "value": 0}]
    await gateway.sends(station, "GetConfiguration", {}, answered={"configurationKey": keys})
    assert await warning(gateway, station, 1, profile(level=0)) is None
    assert "stackLevel: the station's highest is 0" in str(await warning(gateway, station, 1, profile(level=1)))


async def test_quirk_3_31_a_station_that_counts_in_watts_is_told_so_and_compared_in_amperes(
    gateway: Bench, station: ScriptedStation
) -> None:
    keys = [{"key": "ChargingScheduleAllowedChargingRateUnit", "readonly": True, "value": "W"}]
    await gateway.sends(station, "GetConfiguration", {}, answered={"configurationKey": keys})
    assert "chargingRateUnit: the station takes only W" in str(await warning(gateway, station, 1, profile()))
    await sets(gateway, station, 1, profile(DEFAULT, 6900, schedule={"chargingRateUnit": "W"}))
    await sets(gateway, station, 0, profile(MAX, 16))
    assert (await composite(gateway), await composite(gateway, unit="W")) == ([(0, 10)], [(0, 6900)])


async def test_quirk_3_37_profiles_of_an_earlier_system_are_cleared_when_the_operator_says_so(
    gateway: Bench, station: ScriptedStation
) -> None:
    await station.boots()
    await reconcile_profiles(gateway.site, StationId("CP-1"))  # sends nothing: nobody asked for it
    assert await describe_profiles(gateway.site, "CP-1") == ([], [], ["CP-1"])
    await gateway.sends(station, "ClearChargingProfile", {}, answered=ACCEPTED)
    assert await describe_profiles(gateway.site, "CP-1") == ([], [], [])


async def test_quirk_3_37_a_station_that_knows_of_none_is_as_good_as_cleared(
    gateway: Bench, station: ScriptedStation
) -> None:
    await gateway.sends(station, "ClearChargingProfile", {"connectorId": 0}, answered=UNKNOWN)
    assert (await describe_profiles(gateway.site, "CP-1"))[2] == ["CP-1"]  # that was not all
    await gateway.sends(station, "ClearChargingProfile", {}, answered=UNKNOWN)
    assert (await describe_profiles(gateway.site, "CP-1"))[2] == []


async def test_quirk_3_38_an_absolute_profile_without_start_is_warned_of_and_taken_as_relative(
    gateway: Bench, station: ScriptedStation
) -> None:
    lacking = profile(DEFAULT, (0, 10.0), (60, 6.0), chargingProfileKind="Absolute")
    assert "startSchedule: Absolute needs one" in str(await warning(gateway, station, 1, lacking))
    assert await warning(gateway, station, 1, absolute()) is None
    await sets(gateway, station, 1, lacking)
    assert await composite(gateway) == [(0, 10), (60, 6)]
