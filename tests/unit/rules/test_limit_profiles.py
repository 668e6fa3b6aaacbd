"""A limit as an OCPP profile: what stations were seen to need, to the member."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.model.instants import SECOND, Instant
from gateway.model.limiting import Limiting
from gateway.rules.limit_profiles import (
    Lease,
    amount_of,
    fallback_request,
    is_of_session,
    is_ours,
    lease_place,
    lease_request,
)
from tests.fakes.scripted_station import schema_validator

NOW = Instant(1_800_000_000 * SECOND)
KNOWN = Limiting(stack_level=3)


def valid(request: dict[str, object]) -> dict[str, object]:
    assert not list(schema_validator("SetChargingProfile").iter_errors(request))
    profile = request["csChargingProfiles"]
    assert isinstance(profile, dict)
    return profile


def test_a_lease_of_a_session_has_two_periods_and_no_end() -> None:
    request = lease_request("A", KNOWN, 2, Lease(16.07, 600, 6, transaction_id=7), now=NOW, offset_ms=5000)
    profile = valid(request)
    assert request["connectorId"] == 2
    assert profile == {
        "chargingProfileId": 202,
        "transactionId": 7,
        "stackLevel": 3,
        "chargingProfilePurpose": "TxProfile",
        "chargingProfileKind": "Absolute",
        "chargingSchedule": {
            "startSchedule": "2027-01-15T07:59:05.000Z",  # a minute ago by the station's clock, which is 5 s ahead
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16.0}, {"startPeriod": 660, "limit": 6.0}],
        },
    }


@pytest.mark.parametrize(
    ("mode", "place", "purpose"),
    [("A", (1, 201), "TxProfile"), ("B", (1, 101), "TxDefaultProfile"), ("C", (0, 300), "ChargePointMaxProfile")],
)
def test_the_mode_decides_what_carries_the_lease(mode: str, place: tuple[int, int], purpose: str) -> None:
    lease = Lease(10, 600, 0, phases=1, number_phases=1)
    request = lease_request(mode, KNOWN, 1, lease, now=NOW)  # type: ignore[arg-type]
    profile = valid(request)
    assert (request["connectorId"], profile["chargingProfileId"]) == place == lease_place(mode, 1)  # type: ignore[arg-type]
    assert profile["chargingProfilePurpose"] == purpose and "transactionId" not in profile
    periods = profile["chargingSchedule"]["chargingSchedulePeriod"]  # type: ignore[index]
    assert [each["numberPhases"] for each in periods] == [1, 1]


def test_the_fallback_waits_at_0_or_holds_from_long_ago() -> None:
    waiting = valid(fallback_request("A", KNOWN, 1, 6, hold_seconds=1200))["chargingSchedule"]
    assert waiting == {
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 0.0}, {"startPeriod": 1200, "limit": 6.0}],
    }
    plain = valid(fallback_request("B", KNOWN, 1, 6, hold_seconds=0))["chargingSchedule"]
    assert isinstance(plain, dict) and plain["startSchedule"] == "2000-01-01T00:00:00.000Z"
    in_watts = valid(fallback_request("A", replace(KNOWN, unit="W"), 1, 6, hold_seconds=0))["chargingSchedule"]
    assert isinstance(in_watts, dict) and in_watts["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 1380.0}]
    whole = fallback_request("C", KNOWN, 1, 6, hold_seconds=0)
    assert (whole["connectorId"], valid(whole)["chargingProfilePurpose"]) == (0, "ChargePointMaxProfile")


@pytest.mark.parametrize(
    ("amps", "known", "phases", "amount"),
    [
        (16.09, Limiting(), 3, 16.0),
        (0.3, Limiting(), 3, 0.3),
        (16.9, Limiting(step_amps=1), 3, 16.0),
        (16.37, Limiting(step_amps=0.25), 3, 16.2),
        (10.0, Limiting(unit="W"), 3, 6900.0),
        (10.09, Limiting(unit="W"), 1, 2300.0),
        (0.0, Limiting(unit="W"), 3, 0.0),
    ],
)
def test_amounts_are_cut_never_raised(amps: float, known: Limiting, phases: int, amount: float) -> None:
    assert amount_of(amps, known, phases) == amount


def test_ids_of_load_limits() -> None:
    assert [is_ours(number) for number in (99, 100, 399, 400)] == [False, True, True, False]
    assert [is_of_session(number) for number in (199, 200, 299, 300)] == [False, True, True, False]
