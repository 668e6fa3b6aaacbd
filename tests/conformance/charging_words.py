"""Charging profiles as an operator writes them, and what the gateway then says is in force."""

from __future__ import annotations

from typing import Any

from gateway.model.charging_profiles import Unit
from gateway.operations.describe_profiles import describe_composite_schedule, describe_profiles
from tests.conformance.site_under_test import Bench
from tests.fakes.scripted_station import ScriptedStation

MAX, DEFAULT, TX = "ChargePointMaxProfile", "TxDefaultProfile", "TxProfile"
ACCEPTED = {"status": "Accepted"}
BEGIN, END = "2027-01-15T00:00:00Z", "2027-01-16T00:00:00Z"


def profile(purpose: str = DEFAULT, *limits: float | tuple[int, float], level: Any = 0, **more: Any) -> dict[str, Any]:
    """A Relative profile; a limit alone begins at 0; `schedule` adds to chargingSchedule, the rest to the profile."""
    periods = [limit if isinstance(limit, tuple) else (0, limit) for limit in limits or (6.0,)]
    schedule = {
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [{"startPeriod": start, "limit": limit} for start, limit in periods],
        **more.pop("schedule", {}),
    }
    return {
        "stackLevel": level,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Relative",
        "chargingSchedule": schedule,
        **more,
    }


def absolute(purpose: str = DEFAULT, *limits: float | tuple[int, float], **more: Any) -> dict[str, Any]:
    """The same as of this morning, for a day, with everything that the certification wants to see."""
    schedule = {"duration": 86_400, "startSchedule": BEGIN, **more.pop("schedule", {})}
    times = {"chargingProfileKind": "Absolute", "validFrom": BEGIN, "validTo": END}
    return profile(purpose, *limits, schedule=schedule, **{**times, **more})


async def sets(
    gateway: Bench, station: ScriptedStation, connector: int, one: dict[str, Any], answered: object = ACCEPTED
) -> dict[str, Any]:
    """The operator sets it; what the station got as csChargingProfiles."""
    payload = {"connectorId": connector, "csChargingProfiles": one}
    got, _ = await gateway.sends(station, "SetChargingProfile", payload, answered=answered)
    assert got["connectorId"] == connector
    return dict(got["csChargingProfiles"])


async def warning(gateway: Bench, station: ScriptedStation, connector: int, one: dict[str, Any]) -> str | None:
    """What the operator is warned of when setting it; it goes out all the same, verbatim, and is refused."""
    payload = {"connectorId": connector, "csChargingProfiles": {"chargingProfileId": 77, **one}}
    rejected = {"status": "Rejected"}
    got, outcome = await gateway.sends(station, "SetChargingProfile", payload, answered=rejected)
    assert got == payload
    assert outcome.response == rejected
    return outcome.warning


async def clears(
    gateway: Bench, station: ScriptedStation, payload: dict[str, Any], answered: object = ACCEPTED
) -> None:
    """The operator clears; the payload goes out verbatim."""
    got, _ = await gateway.sends(station, "ClearChargingProfile", payload, answered=answered)
    assert got == payload


async def in_force(gateway: Bench, station: str = "CP-1") -> list[int]:
    """The ids of the profiles that are certainly in force."""
    found, _, _ = await describe_profiles(gateway.site, station)
    return [int(str(one["charging_profile_id"])) for one in found]


async def uncertain(gateway: Bench) -> dict[int, bool]:
    """Ids of which nobody knows: are they wanted?"""
    _, found, _ = await describe_profiles(gateway.site, "CP-1")
    return {int(str(one["charging_profile_id"])): bool(one["wanted"]) for one in found}


async def composite(
    gateway: Bench, connector: int = 1, *, seconds: int = 86_400, unit: Unit = "A"
) -> list[tuple[int, float | None]]:
    """(start, limit) of the gateway's own composite schedule."""
    document = await describe_composite_schedule(
        gateway.site, "CP-1", connector=connector, duration_seconds=seconds, unit=unit
    )
    assert document is not None
    periods: Any = document["periods"]
    return [(period["start_seconds"], period["limit"]) for period in periods]
