"""Which profile replaces which, which are cleared, which are over, and what looks wrong."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from gateway.model.charging_profiles import CHARGE_POINT_MAX, TX, TX_DEFAULT, Criteria, Installed, Period, Profile
from gateway.model.instants import SECOND, Instant
from gateway.rules.charging_profiles import (
    Circumstances,
    clears,
    is_over,
    replaces,
    what_looks_wrong,
    what_looks_wrong_in_remote_start,
)

NOW = Instant(1_800_000_000 * SECOND)
HOUR = 3600 * SECOND
FULL = (Period(0, Decimal(6)),)
PLAIN = Profile(profile_id=1, stack_level=0, purpose=TX_DEFAULT, kind="Relative", periods=FULL)


def on(connector: int, **changes: Any) -> Installed:
    return Installed(connector, replace(PLAIN, **changes))


def after(hours: float) -> Instant:
    return Instant(NOW + round(hours * HOUR))


@pytest.mark.parametrize(
    ("new", "old", "gone"),
    [
        (on(1), on(1), True),
        (on(1), on(2, stack_level=3, purpose=TX), True),  # the same id, wherever
        (on(1), on(1, profile_id=2), True),
        (on(1), on(2, profile_id=2), False),
        (on(1), on(0, profile_id=2), False),
        (on(1), on(1, profile_id=2, stack_level=1), False),
        (on(1), on(1, profile_id=2, purpose=TX), False),
        (on(0, purpose=CHARGE_POINT_MAX), on(1, profile_id=2, purpose=CHARGE_POINT_MAX), True),
    ],
)
def test_what_replaces_what(new: Installed, old: Installed, gone: bool) -> None:
    assert replaces(new, old) is gone


@pytest.mark.parametrize(
    ("criteria", "meant"),
    [
        (Criteria(), True),
        (Criteria(profile_id=1), True),
        (Criteria(profile_id=1, connector=9, purpose="?", stack_level=9), True),
        (Criteria(profile_id=2, connector=1), False),
        (Criteria(connector=1, purpose=TX_DEFAULT, stack_level=0), True),
        (Criteria(connector=0), False),
        (Criteria(purpose=TX), False),
        (Criteria(stack_level=1), False),
    ],
)
def test_what_a_clear_means(criteria: Criteria, meant: bool) -> None:
    assert clears(criteria, on(1)) is meant


@pytest.mark.parametrize(
    ("changes", "over"),
    [
        ({}, False),
        ({"valid_to": NOW}, True),
        ({"valid_to": after(1)}, False),
        ({"kind": "Absolute", "start_at": after(-1), "duration_seconds": 3600}, True),
        ({"kind": "Absolute", "start_at": after(-1), "duration_seconds": 3601}, False),
        ({"kind": "Absolute", "start_at": after(-1)}, False),
        ({"kind": "Absolute", "duration_seconds": 1}, False),  # counts from a session that may yet begin
        ({"kind": "Recurring", "start_at": after(-9), "duration_seconds": 3600}, False),
    ],
)
def test_what_is_over(changes: dict[str, object], over: bool) -> None:
    assert is_over(on(1, **changes).profile, NOW) is over


def test_nothing_is_wrong_with_what_is_right() -> None:
    known = Circumstances(
        NOW,
        {
            "ChargeProfileMaxStackLevel": " 8 ",
            "ChargingScheduleAllowedChargingRateUnit": "Current,Power",
            "ChargingScheduleMaxPeriods": "many",
            "MaxChargingProfilesInstalled": "1",
        },
        installed=(on(1),),
        sessions={1: 7},
    )
    recurring = {"kind": "Recurring", "recurrency_kind": "Weekly", "start_at": after(-1), "duration_seconds": 604_800}
    absolute = {"kind": "Absolute", "start_at": after(-1), "valid_from": after(-1), "valid_to": after(1)}
    assert what_looks_wrong(on(1), known) == []
    assert what_looks_wrong(on(1, **recurring), known) == []
    assert what_looks_wrong(on(1, **absolute), replace(known, settings={})) == []
    assert what_looks_wrong(on(0, purpose=CHARGE_POINT_MAX), replace(known, installed=())) == []
    assert what_looks_wrong(on(1, purpose=TX, transaction_id=7, profile_id=2), replace(known, settings={})) == []
    assert what_looks_wrong_in_remote_start(on(1, purpose=TX).profile, known) == []


@pytest.mark.parametrize(
    ("connector", "changes", "words"),
    [
        (1, {"purpose": CHARGE_POINT_MAX}, "belongs on connector 0"),
        (1, {"transaction_id": 7}, "belongs to a TxProfile only"),
        (0, {"purpose": TX, "transaction_id": 7}, "needs a connector above 0"),
        (1, {"purpose": TX}, "needs the transaction that it is for"),
        (2, {"purpose": TX, "transaction_id": 7}, "transaction 7 does not run on connector 2"),
        (1, {"stack_level": -1}, "the lowest is 0"),
        (1, {"stack_level": 9}, "highest is 8 (ChargeProfileMaxStackLevel)"),
        (1, {"unit": "W"}, "takes only A (ChargingScheduleAllowedChargingRateUnit)"),
        (1, {"periods": ()}, "none can be read"),
        (1, {"periods": (Period(1, Decimal(6)),)}, "the first must be 0"),
        (1, {"periods": (*FULL, Period(9, Decimal(6)), Period(9, Decimal(7)))}, "must ascend"),
        (1, {"periods": (*FULL, Period(1, Decimal(6)), Period(2, Decimal(7)))}, "at most 2 periods"),
        (1, {"kind": "Absolute"}, "Absolute needs one"),
        (1, {"kind": "Recurring", "recurrency_kind": "Daily"}, "Recurring needs one"),
        (1, {"start_at": NOW}, "must be absent when the kind is Relative"),
        (1, {"kind": "Recurring", "start_at": NOW}, "Recurring needs Daily or Weekly"),
        (1, {"recurrency_kind": "Daily"}, "belongs to the kind Recurring only"),
        (
            1,
            {"kind": "Recurring", "recurrency_kind": "Daily", "start_at": NOW, "duration_seconds": 86_401},
            "longer than the recurrence",
        ),
        (
            1,
            {
                "kind": "Recurring", "recurrency_kind": "Daily", "start_at": NOW,
                "periods": (*FULL, Period(86_400, Decimal(6))),
            },
            "longer than the recurrence",
        ),
        (1, {"valid_from": NOW, "valid_to": NOW}, "is not after validFrom"),
        (1, {"valid_to": NOW}, "it is over already"),
        (1, {"profile_id": 5}, "5 is that of the TxDefaultProfile on connector 2, which goes"),
        (2, {"profile_id": 6, "valid_from": after(1)}, "nothing limits until then"),
        (1, {"stack_level": 1}, "keeps at most 1 profiles"),
    ],
)  # fmt: skip
def test_what_looks_wrong_is_said(connector: int, changes: dict[str, object], words: str) -> None:
    known = Circumstances(
        NOW,
        {
            "ChargeProfileMaxStackLevel": "8",
            "ChargingScheduleAllowedChargingRateUnit": "current",
            "ChargingScheduleMaxPeriods": "2",
            "MaxChargingProfilesInstalled": "1",
        },
        installed=(on(2, profile_id=5),),
        sessions={1: 7},
    )
    assert any(words in text for text in what_looks_wrong(on(connector, **changes), known))


def test_what_looks_wrong_in_the_profile_of_a_remote_start_is_said() -> None:
    found = what_looks_wrong_in_remote_start(on(1, transaction_id=7).profile, Circumstances(NOW))
    assert [text.partition(":")[0] for text in found] == ["chargingProfilePurpose", "transactionId"]


def test_a_unit_that_nobody_knows_says_nothing() -> None:
    known = Circumstances(NOW, {"ChargingScheduleAllowedChargingRateUnit": "Horsepower,A"})
    assert what_looks_wrong(on(1, unit="W"), known) == []
