"""Numbers and times as readers of each language write them, in the site's zone."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from babel import Locale

from gateway.pages.formats import NOTHING, Formats

NOON = datetime(2027, 1, 15, 12, 0, tzinfo=UTC)


def formats(language: str = "en_GB", zone: str = "Europe/Amsterdam") -> Formats:
    return Formats(Locale.parse(language), ZoneInfo(zone), NOON)


def plain(text: str) -> str:
    return text.replace("\xa0", " ").replace("\u202f", " ")


@pytest.mark.parametrize(
    ("language", "energy", "amps"),
    [
        ("en_GB", "1,234.56 kWh", "10.5 A"),
        ("de_DE", "1.234,56 kWh", "10,5 A"),
        ("nl_NL", "1.234,56 kWh", "10,5 A"),
        ("fr_FR", "1 234,56 kWh", "10,5 A"),
    ],
)
def test_units_are_always_there(language: str, energy: str, amps: str) -> None:
    assert plain(formats(language).energy(1_234_560)) == energy
    assert plain(formats(language).amps(10.5)) == amps


@pytest.mark.parametrize(
    ("language", "separator", "decimal"),
    [
        ("en_GB", ",", "."), ("en_US", ",", "."), ("de_DE", ";", ","), ("de_AT", ";", ","), ("de_CH", ";", "."),
        ("nl_NL", ";", ","), ("nl_BE", ";", ","), ("fr_FR", ";", ","), ("fr_LU", ";", ","),
    ],
)  # fmt: skip
def test_a_spreadsheet_reads_the_table_of_its_language(language: str, separator: str, decimal: str) -> None:
    assert formats(language).spreadsheet() == {"separator": separator, "decimal": decimal, "bom": "true"}


def test_power_in_the_unit_that_fits() -> None:
    assert [plain(formats().power(watts)) for watts in (0, 42.4, 11_040, -3000)] == [
        "0 W", "42 W", "11.0 kW", "-3.0 kW",
    ]  # fmt: skip


def test_three_phases_are_one_number_where_they_are_equal() -> None:
    assert plain(formats().three_amps([16, 16, 16])) == "16 A"
    assert plain(formats().three_amps([16, 0, 8.25])) == "16 / 0 / 8.2 A"


def test_times_are_those_of_the_site() -> None:
    assert formats().clock("2027-01-15T11:30:05.000Z") == "12:30:05"
    assert formats().moment("2027-07-15T11:30:05Z") == "15/07/2027, 13:30"
    assert formats(zone="America/New_York").clock("2027-01-15T11:30:05Z") == "06:30:05"
    assert formats("de_DE").moment("2027-01-14T23:30:00Z") == "15.01.27, 00:30"


def test_durations() -> None:
    assert [plain(formats().duration(seconds)) for seconds in (0, 59, 60, 3600, 5460, 360_000)] == [
        "0 s", "59 s", "1 min", "1 h", "1 h 31 min", "100 h",
    ]  # fmt: skip


@pytest.mark.parametrize("nothing", [None, "", "yesterday", [], {}])
def test_what_is_not_there_is_a_dash(nothing: object) -> None:
    told = formats()
    for write in (told.number, told.amps, told.power, told.energy, told.size, told.percent, told.duration):
        assert write(nothing) == NOTHING
    for write in (told.moment, told.second, told.day, told.clock, told.ago, told.three_amps):
        assert write(nothing) == NOTHING


@pytest.mark.parametrize(
    ("zone", "instant"), [("Asia/Tokyo", "9999-12-31T23:59:59Z"), ("America/Lima", "0001-01-01T00:00:00Z")]
)
def test_a_time_that_no_calendar_has_there_is_told_in_utc(zone: str, instant: str) -> None:
    formats = Formats(Locale.parse("en_GB"), ZoneInfo(zone), NOON)
    assert formats.day(instant) not in ("", "–") and formats.local(instant) == datetime.fromisoformat(instant)
