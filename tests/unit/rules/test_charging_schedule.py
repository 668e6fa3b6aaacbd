"""Composite schedules that one can check by hand; `tests/properties` has all the others."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gateway.model.charging_profiles import Installed, Period, Profile, Unit
from gateway.model.instants import SECOND, Instant, instant_of
from gateway.rules.charging_schedule import Station, composite_schedule

NOON = instant_of(datetime(2027, 1, 15, 12, tzinfo=UTC))
AMSTERDAM = ZoneInfo("Europe/Amsterdam")


def one(
    connector: int,
    *limits: tuple[int, float],
    purpose: str = "TxDefaultProfile",
    phases: int | None = None,
    **more: Any,
) -> Installed:
    periods = tuple(Period(start, Decimal(str(limit)), phases) for start, limit in limits)
    more = {"profile_id": 1, "stack_level": 0, "kind": "Relative", **more}
    return Installed(connector, Profile(purpose=purpose, periods=periods, **more))


def composite(
    *installed: Installed,
    connector: int = 1,
    at: Instant = NOON,
    seconds: int = 86_400,
    unit: Unit = "A",
    sessions: dict[int, Instant] | None = None,
) -> list[tuple[int, float | None, int | None]]:
    found = composite_schedule(
        Station(installed, (1, 2), sessions or {}),
        connector=connector,
        start_at=at,
        duration_seconds=seconds,
        unit=unit,
    )
    return [
        (period.start_seconds, None if period.limit is None else float(period.limit), period.number_phases)
        for period in found.periods
    ]


def test_without_profiles_nothing_limits() -> None:
    assert composite() == composite(connector=0) == [(0, None, None)]


def test_a_station_without_connectors_has_only_its_lid() -> None:
    lid = one(0, (0, 10), purpose="ChargePointMaxProfile")
    found = composite_schedule(Station([lid], (), {}), connector=0, start_at=NOON, duration_seconds=60, unit="A")
    assert [period.limit for period in found.periods] == [10]


def test_the_sum_of_the_connectors_under_the_lid() -> None:
    lid = one(0, (0, 25), (60, 99), purpose="ChargePointMaxProfile")
    default = one(0, (0, 16), profile_id=2)
    own = one(2, (0, 7), purpose="TxProfile", phases=1, profile_id=3, duration_seconds=120)
    assert composite(lid, default, own, connector=0) == [(0, 23, 3), (120, 32, 3)]
    assert composite(lid, default, own, connector=0, unit="W") == [(0, 16 * 690 + 7 * 230, 3), (120, 22_080, 3)]


def test_watts_become_amperes_by_the_profile_s_phases_and_amperes_watts_by_those_in_use() -> None:
    lid = one(0, (0, 11_040), purpose="ChargePointMaxProfile", unit="W")
    own = one(1, (0, 20), phases=1, profile_id=2)
    assert composite(lid, own) == [(0, 16, 1)]
    assert composite(lid, own, unit="W") == [(0, 4600, 1)]


def test_a_converted_limit_is_cut() -> None:
    assert composite(one(1, (0, 1000), unit="W")) == [(0, 1.449, 3)]
    assert composite(one(1, (0, 0.3333)), unit="W") == [(0, 229.977, 3)]


def test_a_lid_that_a_station_took_for_a_connector_is_one_there_alone() -> None:
    lid = one(1, (0, 8), purpose="ChargePointMaxProfile")
    default = one(0, (0, 16), profile_id=2)
    assert composite(lid, default) == [(0, 8, 3)]
    assert composite(lid, default, connector=2) == [(0, 16, 3)]
    assert composite(lid, default, connector=0) == [(0, 24, 3)]


def test_before_its_first_period_a_profile_says_nothing() -> None:
    assert composite(one(1, (30, 6), stack_level=1), one(1, (0, 16), profile_id=2)) == [(0, 16, 3), (30, 6, 3)]


def test_relative_runs_from_the_session_and_without_one_from_now() -> None:
    profile = one(1, (0, 6), (600, 16))
    began = Instant(NOON - 590 * SECOND)
    assert composite(profile) == [(0, 6, 3), (600, 16, 3)]
    assert composite(profile, sessions={1: began}) == [(0, 6, 3), (10, 16, 3)]
    assert composite(profile, sessions={2: began}) == [(0, 6, 3), (600, 16, 3)]


def test_a_relative_profile_heeds_no_start_and_an_absolute_one_lacks_none() -> None:
    start = Instant(NOON + 60 * SECOND)
    assert composite(one(1, (0, 6), start_at=start)) == [(0, 6, 3)]
    assert composite(one(1, (0, 6), start_at=start, kind="Absolute")) == [(0, None, None), (60, 6, 3)]
    assert composite(one(1, (0, 6), kind="Absolute")) == [(0, 6, 3)]
    assert composite(one(1, (0, 6), start_at=start, kind="Recurring")) == [(0, None, None), (60, 6, 3)]


@pytest.mark.parametrize(
    "day",
    [
        datetime(2027, 3, 28, tzinfo=AMSTERDAM),  # has 23 hours
        datetime(2027, 10, 31, tzinfo=AMSTERDAM),  # has 25 hours
        datetime(2027, 6, 1, tzinfo=AMSTERDAM),
    ],
)
def test_a_daily_profile_comes_24_hours_after_its_start_on_every_day(day: datetime) -> None:
    # every day from 23:00 UTC on, for an hour, since the first of January
    start = instant_of(datetime(2027, 1, 1, 23, tzinfo=UTC))
    daily = one(1, (0, 6), kind="Recurring", recurrency_kind="Daily", start_at=start, duration_seconds=3600)
    at = instant_of(day.astimezone(UTC).replace(hour=0, minute=0))
    assert composite(daily, at=at, seconds=2 * 86_400) == [
        (0, None, None),
        (23 * 3600, 6, 3),
        (86_400, None, None),
        (47 * 3600, 6, 3),
    ]


def test_a_weekly_profile_comes_on_its_own_day_also_over_the_end_of_the_week_and_the_year() -> None:
    start = instant_of(datetime(2026, 12, 20, 23, 30, tzinfo=UTC))  # a Sunday
    weekly = one(
        1, (0, 6), (3600, 8), kind="Recurring", recurrency_kind="Weekly", start_at=start, duration_seconds=7200
    )
    at = instant_of(datetime(2027, 1, 3, 23, tzinfo=UTC))
    assert composite(weekly, at=at, seconds=8 * 86_400) == [
        (0, None, None),
        (1800, 6, 3),
        (5400, 8, 3),
        (9000, None, None),
        (7 * 86_400 + 1800, 6, 3),
        (7 * 86_400 + 5400, 8, 3),
        (7 * 86_400 + 9000, None, None),
    ]


def test_what_is_longer_than_the_recurrence_is_cut() -> None:
    start = Instant(NOON - 86_390 * SECOND)
    daily = one(
        1, (0, 6), (86_390, 7), (86_405, 9), kind="Recurring", recurrency_kind="Daily", start_at=start,
        duration_seconds=90_000,
    )  # fmt: skip
    assert composite(daily, seconds=100) == [(0, 7, 3), (10, 6, 3)]


def test_parts_of_seconds_do_not_count() -> None:
    profile = one(1, (0, 6), valid_to=Instant(NOON + 1_900_000))
    found = composite_schedule(
        Station([profile], (1,), {}), connector=1, start_at=Instant(NOON + 900_000), duration_seconds=10, unit="A"
    )
    assert found.start_at == NOON
    assert [period.start_seconds for period in found.periods] == [0, 1]


def test_a_profile_counts_from_its_validity_on() -> None:
    valid = one(1, (0, 6), stack_level=1, valid_from=Instant(NOON + 60 * SECOND), valid_to=Instant(NOON + 90 * SECOND))
    assert composite(valid, one(1, (0, 16), profile_id=2)) == [(0, 16, 3), (60, 6, 3), (90, 16, 3)]
