"""Times as people write them."""

from __future__ import annotations

import pytest

from gateway.model.instant_text import instant_from_text
from gateway.model.instants import text_of


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("1970-01-01", "1970-01-01T00:00:00.000Z"),
        ("9998-12-31T23:59:59.999999Z", "9998-12-31T23:59:59.999Z"),
        ("9999-01-01T00:59+01:00", "9998-12-31T23:59:00.000Z"),
        ("2027-01-31", "2027-01-31T00:00:00.000Z"),
        ("2027-01-31T12:30Z", "2027-01-31T12:30:00.000Z"),
        ("2027-01-31t12:30:15.1234567z", "2027-01-31T12:30:15.123Z"),
        (" 2027-01-31 12:30:15,5+02:00 ", "2027-01-31T10:30:15.500Z"),
        ("2027-01-31T12:30:15-0530", "2027-01-31T18:00:15.000Z"),
        ("2027-01-31T12:30:15", "2027-01-31T12:30:15.000Z"),
    ],
)
def test_readable_times(written: str, meant: str) -> None:
    instant = instant_from_text(written)
    assert instant is not None
    assert text_of(instant) == meant


@pytest.mark.parametrize(
    "written",
    [
        "9999-12-31T23:59:59.999999-23:59",
        "9999-01-01T00:00:00Z",
        "1969-12-31T23:59:59Z",
        "0001-01-01T00:00:00+23:59",
        "1970-01-01T00:00:00+00:01",
        "",
        "soon",
        "2027",
        "2027-13-01",
        "2027-02-30",
        "20270131",
        "2027-01-31T25:00",
        "0001-01-01T00:00+14:00x",
    ],
)
def test_unreadable_times(written: str) -> None:
    assert instant_from_text(written) is None
