"""Instants and identities: exact, zone-aware, case-insensitive where the standard says so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from gateway.model.identities import fold_tag
from gateway.model.instants import Instant, datetime_of, instant_of, seconds_later, text_of


@pytest.mark.parametrize("microseconds", [0, 1, -1, 1_800_000_000_123_456, -62_135_596_800_000_000])
def test_an_instant_survives_the_calendar(microseconds: int) -> None:
    assert instant_of(datetime_of(Instant(microseconds))) == microseconds


def test_the_zone_counts_and_none_is_an_error() -> None:
    moment = datetime(2027, 1, 15, 9, 0, tzinfo=timezone(timedelta(hours=1)))
    assert instant_of(moment) == instant_of(datetime(2027, 1, 15, 8, 0, tzinfo=UTC))
    with pytest.raises(ValueError, match="zone"):
        instant_of(datetime(2027, 1, 15))


@pytest.mark.parametrize(
    ("microseconds", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_800_000_000_123_999, "2027-01-15T08:00:00.123Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (-62_135_596_800_000_000, "0001-01-01T00:00:00.000Z"),
        (253_402_300_799_999_999, "9999-12-31T23:59:59.999Z"),
        # outside the calendar: its end
        (253_402_300_800_000_000, "9999-12-31T23:59:59.999Z"),
        (-62_135_596_800_000_001, "0001-01-01T00:00:00.000Z"),
        (10**30, "9999-12-31T23:59:59.999Z"),
        (-(10**30), "0001-01-01T00:00:00.000Z"),
    ],
)
def test_text_has_three_decimals_and_z(microseconds: int, text: str) -> None:
    assert text_of(Instant(microseconds)) == text


def test_seconds_later_may_be_earlier() -> None:
    assert seconds_later(Instant(10), 1.5) == 1_500_010
    assert seconds_later(Instant(10), -0.000001) == 9


@pytest.mark.parametrize("written", ["ABC", "abc", " aBc  "])
def test_tags_compare_case_insensitively(written: str) -> None:
    assert fold_tag(written) == "abc"
