"""Which days a choice means, in the site's zone, and what exports are asked for."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import pytest

from gateway.pages.moments import day_of_field, instant_of_field, midnight
from gateway.pages.session_filters import SessionFilters, days_of

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("span", "begin", "end"),
    [
        ("all", None, None),
        ("dates", None, None),
        ("today", date(2027, 1, 15), None),
        ("week", date(2027, 1, 11), None),
        ("month", date(2027, 1, 1), None),
        ("last_month", date(2026, 12, 1), date(2027, 1, 1)),
        ("year", date(2027, 1, 1), None),
    ],
)
def test_the_days_of_a_span(span: str, begin: date | None, end: date | None) -> None:
    assert days_of(span, date(2027, 1, 15)) == (begin, end)


def test_a_day_begins_where_the_site_is() -> None:
    assert midnight(date(2027, 1, 15), BERLIN) == "2027-01-14T23:00:00Z"
    assert midnight(date(2027, 7, 1), BERLIN) == "2027-06-30T22:00:00Z"
    assert midnight(date.min, BERLIN).startswith("0001-01-01T")


def test_fields_are_read_in_the_zone() -> None:
    assert instant_of_field("2027-01-15T09:30", BERLIN) == "2027-01-15T08:30:00Z"
    assert instant_of_field("2027-01-15T09:30Z", BERLIN) == "2027-01-15T09:30:00Z"
    assert instant_of_field("soon", BERLIN) is None
    assert day_of_field("2027-02-30") is None


def test_an_export_is_asked_for_exactly_what_the_page_shows() -> None:
    filters = SessionFilters(
        span="month", first="", last="", station="a b/&", connector="2", id_tag="", note="anna", state="ended",
        begin="2027-01-01T00:00:00Z", end=None, mistakes={},
    )  # fmt: skip
    assert filters.export("transactions.csv", separator=";", bom="true") == (
        "/api/v1/transactions.csv?from=2027-01-01T00%3A00%3A00Z&station=a+b%2F%26&connector=2&note=anna&open=false"
        "&separator=%3B&bom=true"
    )
    assert (
        filters.page("/sessions", after=7)
        == "/sessions?span=month&station=a+b%2F%26&connector=2&note=anna&state=ended&after=7"
    )
    assert filters.narrow
