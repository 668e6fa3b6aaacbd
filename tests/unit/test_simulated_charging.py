"""What a simulated station does with charging profiles: takes, refuses, clears, and lets them act on the current."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.simulated_charging import Profiles, Running
from tests.unit.test_simulated_station import QUICK, booted, site

NOON = datetime(2027, 1, 15, 12, tzinfo=UTC)


def profile(number: int = 1, *, level: int = 0, purpose: str = "TxDefaultProfile", **more: Any) -> dict[str, Any]:
    schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 10}]}
    schedule.update(more.pop("schedule", {}))
    return {
        "chargingProfileId": number, "stackLevel": level, "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Relative", "chargingSchedule": schedule, **more,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("connector", "wrong"),
    [
        (1, profile(purpose="ChargePointMaxProfile")),
        (0, profile(purpose="TxProfile", transactionId=7)),
        (1, profile(purpose="TxProfile", transactionId=8)),
        (1, profile(purpose="TxProfile")),
        (1, profile(level=9)),
        (1, profile(schedule={"chargingRateUnit": "kW"})),
        (1, profile(chargingProfileKind="Absolute")),
        (1, profile(schedule={"startSchedule": "2027-01-15T12:00:00Z"})),
        (1, profile(chargingProfileKind="Recurring", schedule={"startSchedule": "2027-01-15T12:00:00Z"})),
        (1, profile(schedule={"chargingSchedulePeriod": []})),
        (1, profile(schedule={"chargingSchedulePeriod": [{"startPeriod": 5, "limit": 10}]})),
    ],
)
def test_what_the_specification_forbids_is_rejected(connector: int, wrong: dict[str, Any]) -> None:
    profiles = Profiles(2)
    assert profiles.set(connector, wrong, Running(7, NOON)) == "Rejected"
    assert profiles.held == []


def test_it_holds_only_so_many() -> None:
    profiles = Profiles(2)
    for number in range(10):
        assert profiles.set(number % 2, profile(number, level=number // 2), None) == "Accepted"
    assert profiles.set(2, profile(99), None) == "Rejected"
    assert profiles.set(1, profile(100, level=0), None) == "Accepted"  # it replaces one


def test_the_session_s_own_beats_the_default_under_the_lid_of_the_station() -> None:
    profiles, running = Profiles(2), Running(7, NOON)
    periods = [{"startPeriod": 0, "limit": 6900}, {"startPeriod": 60, "limit": 9200}]
    own = profile(2, purpose="TxProfile", transactionId=7, schedule={
        "chargingRateUnit": "W", "duration": 120, "chargingSchedulePeriod": periods,
    })  # fmt: skip
    assert profiles.set(0, profile(1, schedule={"chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16}]}), None)
    assert profiles.set(1, own, running) == "Accepted"

    def amps(after: int) -> float | None:
        return profiles.amps(1, NOON + timedelta(seconds=after), running)

    assert [amps(after) for after in (0, 59, 60, 119, 120)] == pytest.approx([10, 10, 13.333, 13.333, 16], abs=0.001)
    lid = profile(3, purpose="ChargePointMaxProfile", validTo="2027-01-15T12:01:30Z")
    assert profiles.set(0, lid, None) == "Accepted"
    assert [amps(60), amps(89), amps(90) == amps(100)] == [10, 10, True]
    assert profiles.periods(0, NOON, 100, {1: running}, 32.0) == [
        {"startPeriod": 0, "limit": 10},
        {"startPeriod": 90, "limit": 29.3},  # the default's 16 A at the other connector beside it
    ]
    profiles.end_session(1)
    assert amps(0) == 10


def test_of_an_idle_connector_it_tells_what_a_session_that_began_now_might_draw() -> None:
    profiles = Profiles(1)
    periods = [{"startPeriod": 0, "limit": 8.5}, {"startPeriod": 30, "limit": 12}]
    profiles.set(0, profile(schedule={"chargingSchedulePeriod": periods}), None)
    assert profiles.periods(1, NOON, 60, {}, 32.0) == periods


def test_it_clears_what_is_meant() -> None:
    profiles = Profiles(2)
    for number, (connector, level) in enumerate([(0, 0), (1, 0), (1, 1), (2, 1)]):
        profiles.set(connector, profile(number, level=level), None)
    assert profiles.clear({"id": 0, "connectorId": 2}) == "Accepted"
    assert profiles.clear({"connectorId": 0}) == "Unknown"
    assert profiles.clear({"connectorId": 1, "stackLevel": 1}) == "Accepted"
    assert [one.profile["chargingProfileId"] for one in profiles.held] == [1, 3]
    assert profiles.clear({}) == "Accepted"
    assert profiles.held == []


async def test_a_limit_acts_on_the_current_of_a_session_that_runs() -> None:
    async with site(QUICK) as (central, station):
        await booted(central, station)
        visit = asyncio.create_task(station.visit(1, "TAG"))
        await central.until_heard("StartTransaction")
        outlet = station.outlets[0]
        limit = profile(schedule={"chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6.5}]})
        wanted = {"connectorId": 1, "csChargingProfiles": limit}
        assert await central.ask("SetChargingProfile", wanted) == {"status": "Accepted"}
        await central.until(lambda: max(outlet.meter.amps) <= 6.5)
        composite = await central.ask("GetCompositeSchedule", {"connectorId": 1, "duration": 60})
        assert composite["chargingSchedule"]["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 6.5}]
        in_watts = {"connectorId": 1, "duration": 60, "chargingRateUnit": "W"}
        composite = await central.ask("GetCompositeSchedule", in_watts)
        assert composite["chargingSchedule"]["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 4485.0}]
        limit["chargingSchedule"]["chargingSchedulePeriod"] = [{"startPeriod": 0, "limit": 5}]
        await central.ask("SetChargingProfile", wanted)
        await central.until(lambda: max(outlet.meter.amps) == 0)
        assert await central.ask("ClearChargingProfile", {}) == {"status": "Accepted"}
        await central.until(lambda: outlet.meter.amps == outlet.wanted_amps)
        station.end(1)
        await visit


async def test_requests_that_make_no_sense_are_refused() -> None:
    async with site(QUICK) as (central, station):
        await booted(central, station)
        far = {"connectorId": 9, "csChargingProfiles": profile()}
        assert await central.ask("SetChargingProfile", far) == ["PropertyConstraintViolation"]
        nothing = {"connectorId": 1, "csChargingProfiles": None}
        assert await central.ask("SetChargingProfile", nothing) == ["FormationViolation"]
        assert await central.ask("GetCompositeSchedule", {"connectorId": 9, "duration": 60}) == {"status": "Rejected"}
        assert await central.ask("ClearChargingProfile", {"id": 1}) == {"status": "Unknown"}


async def test_the_profile_of_a_remote_start_is_that_of_its_session() -> None:
    async with site(QUICK) as (central, station):
        await booted(central, station)
        own = profile(purpose="TxProfile", schedule={"chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6}]})
        wanted = {"connectorId": 1, "idTag": "TAG", "chargingProfile": own}
        assert await central.ask("RemoteStartTransaction", wanted) == {"status": "Accepted"}
        await central.until_heard("StartTransaction")
        assert max(station.outlets[0].meter.amps) == 6
        station.end(1)
        await central.until_heard("StopTransaction")
        assert station.profiles.held == []
