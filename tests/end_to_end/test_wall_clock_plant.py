"""The wall-clock plant by itself: what it says of a profile, how its cars follow, what its judge notes. No gateway."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.held_profiles import HeldProfiles, Running
from tests.fakes.parked_car import ParkedCar
from tests.fakes.real_site import MAIN, Judge

NOON = 1_700_000_000.0  # 2023-11-14T22:13:20Z
SESSION = Running(7, NOON)


def profile(number: int, purpose: str, *periods: tuple[int, float], level: int = 0, **more: Any) -> dict[str, Any]:
    """A relative one, unless `schedule` says otherwise."""
    schedule = {
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [{"startPeriod": start, "limit": limit} for start, limit in periods],
        **more.pop("schedule", {}),
    }
    kind = "Absolute" if "startSchedule" in schedule else "Relative"
    return {
        "chargingProfileId": number,
        "stackLevel": level,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": kind,
        "chargingSchedule": schedule,
        **more,
    }


def test_no_profile_no_limit() -> None:
    assert HeldProfiles().amps(1, SESSION, now=NOON) is None


def test_a_session_s_profile_goes_before_the_default_and_the_station_s_lowers_both() -> None:
    held = HeldProfiles()
    assert held.set(0, profile(1, "TxDefaultProfile", (0, 20.0), level=9), None)
    assert held.amps(1, SESSION, now=NOON) == 20
    assert held.set(1, profile(2, "TxDefaultProfile", (0, 18.0)), None)
    assert held.amps(1, SESSION, now=NOON) == 18
    assert held.set(1, profile(3, "TxProfile", (0, 30.0), transactionId=7), SESSION)
    assert held.amps(1, SESSION, now=NOON) == 30
    assert held.set(0, profile(4, "ChargePointMaxProfile", (0, 25.0)), None)
    assert held.amps(1, SESSION, now=NOON) == 25
    held.session_ended(1)
    assert held.amps(1, SESSION, now=NOON) == 18


def test_a_profile_of_another_session_is_refused() -> None:
    held = HeldProfiles()
    assert not held.set(1, profile(3, "TxProfile", (0, 30.0), transactionId=8), SESSION)
    assert not held.set(1, profile(3, "TxProfile", (0, 30.0)), None)
    assert not held.set(1, profile(4, "ChargePointMaxProfile", (0, 25.0)), None)


def test_periods_count_from_the_session_or_from_the_instant_in_the_profile() -> None:
    held = HeldProfiles()
    held.set(1, profile(1, "TxDefaultProfile", (0, 0.0), (60, 6.0)), None)
    assert [held.amps(1, SESSION, now=NOON + after) for after in (0, 59, 60, 9999)] == [0, 0, 6, 6]
    at = {"startSchedule": "2023-11-14T22:14:20Z", "duration": 100}
    held.set(1, profile(2, "TxProfile", (0, 16.0), (50, 10.0), schedule=at), SESSION)
    assert [held.amps(1, SESSION, now=NOON + after) for after in (59, 60, 109, 110, 159, 160)] == [0, 16, 16, 10, 10, 6]


def test_the_highest_level_that_is_valid_now_counts_and_equals_replace() -> None:
    held = HeldProfiles()
    held.set(1, profile(1, "TxDefaultProfile", (0, 6.0), level=1), None)
    held.set(1, profile(2, "TxDefaultProfile", (0, 32.0), level=2, validTo="2023-11-14T22:13:30Z"), None)
    assert [held.amps(1, SESSION, now=NOON + after) for after in (0, 10)] == [32, 6]
    held.set(1, profile(3, "TxDefaultProfile", (0, 8.0), level=1), None)
    assert [one["chargingProfileId"] for _, one in held.held] == [2, 3]
    assert held.clear({"id": 3}) and not held.clear({"id": 3})
    assert held.clear({"connectorId": 1, "stackLevel": 2}) and not held.held


def test_watts_are_divided_among_the_lines() -> None:
    held = HeldProfiles()
    held.set(1, profile(1, "TxDefaultProfile", (0, 6900.0), schedule={"chargingRateUnit": "W"}), None)
    assert held.amps(1, SESSION, now=NOON) == pytest.approx(10)
    assert held.amps(1, SESSION, now=NOON, lines=1) == pytest.approx(30)


def test_a_car_needs_time_to_begin_to_rise_and_to_fall() -> None:
    car = ParkedCar(seconds_down=2, seconds_up=3, seconds_to_begin=8, most_amps=20)
    drawn = []
    for now in range(40):
        car.step(16.0 if now < 12 else None if now < 20 else 10.0 if now < 30 else 5.0, float(now))
        drawn.append(car.amps)
    assert [drawn.index(amps) for amps in (16.0, 20.0, 10.0)] == [8, 15, 22]
    assert drawn[31:33] == [10.0, 0.0]


def test_a_car_that_ignores_takes_all_it_can() -> None:
    car = ParkedCar(seconds_up=0, seconds_to_begin=0, ignores=True)
    car.step(6.0, 0.0)
    assert car.amps == 32


def test_the_judge_notes_how_long_and_by_how_much() -> None:
    judge = Judge({MAIN: 50.0})
    for at, amps in ((1.0, 50.0), (2.0, 51.0), (3.0, 60.0), (4.0, 50.0), (5.0, 55.0)):
        judge.look({MAIN: (0.0, amps, 0.0)}, at)
    assert [(one.began, one.seconds, one.most_amps) for one in judge.since(0)] == [(2.0, 2.0, 10.0), (5.0, 0.0, 5.0)]
    assert judge.since(4.5) == judge.since(0)[1:] and judge.longest() == 2
