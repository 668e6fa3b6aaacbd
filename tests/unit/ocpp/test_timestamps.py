"""What stations write as date-times: which spellings are one moment, and which are none."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway.model.instants import Instant, instant_of, text_of
from gateway.ocpp.timestamps import read_instant


def at(*parts: int) -> Instant:
    return instant_of(datetime(*parts, tzinfo=UTC))  # type: ignore[arg-type,misc]


NOON = at(2024, 5, 1, 12, 0, 0)


@pytest.mark.parametrize(
    "text",
    [
        "2024-05-01T12:00:00Z",
        "2024-05-01T12:00:00z",
        "2024-05-01t12:00:00z",
        "2024-05-01 12:00:00Z",
        "2024-05-01  12:00:00 Z",
        "2024-05-01 12:00:00 UTC",
        "2024-05-01T12:00:00",
        "2024-05-01T12:00",
        "2024-05-01T12:00Z",
        "2024-05-01T12:00:00.",
        "2024-05-01T12:00:00.000Z",
        "2024-05-01T12:00:00,000Z",
        "2024-05-01T12:00:00.0000000001Z",
        "2024-05-01T14:00:00+02",
        "2024-05-01T14:00:00+0200",
        "2024-05-01T14:00:00+02:00",
        "2024-05-01T14:00:00.000000+02:00",
        "2024-05-01T14:00:00 +02:00",
        "2024-05-01T06:30:00-0530",
        "2024-05-01T06:30:00-05:30",
        "20240501T120000Z",
        "2024/05/01 12:00:00",
        "  2024-05-01T12:00:00Z\r\n",
    ],
)
def test_spellings_of_one_moment(text: str) -> None:
    assert read_instant(text) == NOON


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-05-01T12:00:00.5Z", NOON + 500_000),
        ("2024-05-01T12:00:00,25", NOON + 250_000),
        ("2024-05-01T12:00:00.1234569Z", NOON + 123_456),
        ("2024-05-01 12:00:00.1234569", NOON + 123_456),
        ("2024-05-01T24:00:00Z", at(2024, 5, 2)),
        ("2024-12-31T23:59:60Z", at(2025, 1, 1)),
        ("1970-01-01T00:00:07Z", 7_000_000),
        ("1970-01-01T00:00:00+01:00", -3_600_000_000),
        ("2024-02-29T00:00:00Z", at(2024, 2, 29)),
        ("2036-02-07T06:28:16Z", at(2036, 2, 7, 6, 28, 16)),
    ],
)
def test_fractions_and_edges_of_the_calendar(text: str, expected: int) -> None:
    assert read_instant(text) == expected


def test_a_zone_is_assumed_only_where_none_is_written() -> None:
    assert read_instant("2024-05-01T14:00:00", assumed_offset_minutes=120) == NOON
    assert read_instant("2024-05-01T06:30:00", assumed_offset_minutes=-330) == NOON
    assert read_instant("2024-05-01T12:00:00Z", assumed_offset_minutes=120) == NOON
    assert read_instant("2024-05-01T12:00:00z", assumed_offset_minutes=120) == NOON
    assert read_instant("2024-05-01T13:00:00+01", assumed_offset_minutes=120) == NOON


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "garbage",
        "2024-05-01",
        "12:00:00",
        "2024-13-01T00:00:00Z",
        "2024-02-30T00:00:00Z",
        "2023-02-29 00:00:00",
        "2024-05-01T25:00:00Z",
        "2024-05-01T24:00:01Z",
        "2024-05-01T12:60:00Z",
        "2024-05-01T12:00:61Z",
        "2024-05-01T12:00:00+2",
        "2024-05-01T12:00:00+25:00",
        "2024-05-01T12:00:00+0260",
        "2024-05-01T12:00:00ZZ",
        "0000-00-00T00:00:00Z",
        "0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "1969-12-30T00:00:00",
        "9999-12-31T23:59:59Z",
        "9999-12-31T24:00:00Z",
        "2024-05-01T12:00:00.\ud800Z",
        "２０２４-05-01T12:00:00Z",
        "x" * 100_000,
        "9" * 100_000,
    ],
)
def test_no_moment(text: str) -> None:
    assert read_instant(text) is None


def test_what_we_write_is_read_back() -> None:
    assert read_instant(text_of(Instant(NOON + 123_000))) == NOON + 123_000
