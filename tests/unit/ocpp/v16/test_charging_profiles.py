"""Charging profiles out of JSON: whole ones, and what people and stations make of them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from gateway.model.charging_profiles import Criteria, Period, Profile
from gateway.model.instants import SECOND, Instant
from gateway.ocpp.v16.charging_profiles import read_criteria, read_profile, whole_number

T = Instant(1_800_000_000 * SECOND)
WHOLE: dict[str, object] = {
    "chargingProfileId": 7,
    "transactionId": 3,
    "stackLevel": 2,
    "chargingProfilePurpose": "TxProfile",
    "chargingProfileKind": "Recurring",
    "recurrencyKind": "Daily",
    "validFrom": "2027-01-15T08:00:00Z",
    "validTo": "2027-01-15T09:00:00+01:00",
    "chargingSchedule": {
        "duration": 600,
        "startSchedule": "2027-01-15T08:00:00.000Z",
        "chargingRateUnit": "W",
        "chargingSchedulePeriod": [
            {"startPeriod": 0, "limit": 21.4},
            {"startPeriod": 60, "limit": 6, "numberPhases": 1},
        ],
        "minChargingRate": 6.0,
    },
}


def test_a_whole_profile() -> None:
    assert read_profile(WHOLE) == Profile(
        profile_id=7,
        stack_level=2,
        purpose="TxProfile",
        kind="Recurring",
        recurrency_kind="Daily",
        transaction_id=3,
        valid_from=T,
        valid_to=T,
        start_at=T,
        duration_seconds=600,
        unit="W",
        periods=(Period(0, Decimal("21.4")), Period(60, Decimal(6), 1)),
    )


def test_what_cannot_be_used_counts_as_absent() -> None:
    schedule = {
        "duration": 1.5,
        "startSchedule": 7,
        "chargingRateUnit": None,
        "chargingSchedulePeriod": [
            None,
            {"startPeriod": "0", "limit": 6},
            {"startPeriod": 0, "limit": "6"},
            {"startPeriod": 0, "limit": True},
            {"startPeriod": 0, "limit": float("inf")},
            {"startPeriod": 0, "limit": float("nan")},
            {"startPeriod": 0, "limit": 10**400},
            {"startPeriod": 0, "limit": 6, "numberPhases": 0},
        ],
    }
    found = read_profile(
        {"chargingProfileId": 7, "stackLevel": True, "validFrom": "soon", "chargingSchedule": schedule}
    )
    assert found == Profile(profile_id=7, stack_level=0, purpose="", kind="", periods=(Period(0, Decimal(6)),))
    assert read_profile({"chargingProfileId": 7, "chargingSchedule": {"chargingSchedulePeriod": {}}}) == Profile(
        7, 0, "", ""
    )
    assert read_profile({"chargingProfileId": 7, "chargingSchedule": []}) == Profile(7, 0, "", "")


@pytest.mark.parametrize("nothing", [None, [], "profile", {}, {"chargingProfileId": "7"}, {"chargingProfileId": 2**63}])
def test_without_an_id_there_is_no_profile(nothing: object) -> None:
    assert read_profile(nothing) is None


def test_criteria() -> None:
    assert read_criteria({}) == Criteria()
    whole = {"id": 1, "connectorId": 0, "chargingProfilePurpose": "TxProfile", "stackLevel": 4}
    assert read_criteria(whole) == Criteria(1, 0, "TxProfile", 4)
    assert read_criteria({"id": "1", "connectorId": None, "chargingProfilePurpose": 7, "stackLevel": 1.0}) == Criteria()


@pytest.mark.parametrize(("part", "number"), [(0, 0), (-5, -5), (True, None), (1.0, None), ("1", None), (2**63, None)])
def test_whole_numbers(part: object, number: int | None) -> None:
    assert whole_number(part) == number
