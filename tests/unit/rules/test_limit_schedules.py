"""Windows of a weekly schedule, by the clock on site: midnight, weekdays, and the nights when the clocks change."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from gateway.model.instants import instant_of
from gateway.rules.limit_schedules import Window, open_until

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
EVENING = Window(17 * 60, 20 * 60, ("mon", "fri"))
NIGHT = Window(22 * 60, 6 * 60, ("sun",))
WHOLE_DAY = Window(0, 1440)
EVERY_HOUR_OF_FRIDAY = Window(0, 1440, ("fri",))


def seen(window: Window, moment: str, zone: ZoneInfo = AMSTERDAM) -> str | None:
    """The end in UTC of the window that is open at this moment, to the minute."""
    now = instant_of(datetime.fromisoformat(moment).replace(tzinfo=UTC))
    until = open_until(window, now, zone)
    if until is None:
        return None
    return datetime.fromtimestamp(until / 1e6, UTC).strftime("%d %H:%M")


@pytest.mark.parametrize(
    ("window", "moment", "until"),
    [
        # 2027-01-15 is a Friday, an hour ahead of UTC
        (EVENING, "2027-01-15T15:59:59", None),
        (EVENING, "2027-01-15T16:00:00", "15 19:00"),
        (EVENING, "2027-01-15T18:59:59", "15 19:00"),
        (EVENING, "2027-01-15T19:00:00", None),
        (EVENING, "2027-01-16T17:00:00", None),
        (EVENING, "2027-01-18T17:00:00", "18 19:00"),
        # over midnight it is the day of the beginning that counts
        (NIGHT, "2027-01-16T22:00:00", None),
        (NIGHT, "2027-01-17T20:59:59", None),
        (NIGHT, "2027-01-17T21:00:00", "18 05:00"),
        (NIGHT, "2027-01-18T04:59:59", "18 05:00"),
        (NIGHT, "2027-01-18T05:00:00", None),
        (NIGHT, "2027-01-18T21:30:00", None),
        (WHOLE_DAY, "2027-01-15T12:00:00", "15 23:00"),
        (WHOLE_DAY, "2027-01-15T23:00:00", "16 23:00"),
        (EVERY_HOUR_OF_FRIDAY, "2027-01-14T23:00:00", "15 23:00"),
        (EVERY_HOUR_OF_FRIDAY, "2027-01-15T23:00:00", None),
    ],
)
def test_windows(window: Window, moment: str, until: str | None) -> None:
    assert seen(window, moment) == until


@pytest.mark.parametrize(
    ("window", "moment", "until"),
    [
        # 28 March 2027: after 01:59:59 comes 03:00:00 (01:00 UTC)
        (Window(1020, 1200), "2027-03-27T16:30:00", "27 19:00"),
        (Window(1020, 1200), "2027-03-28T15:30:00", "28 18:00"),
        (Window(22 * 60, 6 * 60), "2027-03-28T03:59:59", "28 04:00"),
        (Window(22 * 60, 6 * 60), "2027-03-28T04:00:00", None),
        (Window(150, 240), "2027-03-28T00:29:59", None),
        (Window(150, 240), "2027-03-28T00:30:00", "28 02:00"),
        (Window(150, 180), "2027-03-28T00:30:00", "28 01:00"),
        (Window(130, 170), "2027-03-28T01:49:59", "28 01:50"),
        # 31 October 2027: after 02:59:59 comes 02:00:00 (01:00 UTC)
        (Window(150, 240), "2027-10-31T00:29:59", None),
        (Window(150, 240), "2027-10-31T00:30:00", "31 03:00"),
        (Window(150, 240), "2027-10-31T02:59:59", "31 03:00"),
        (Window(60, 150), "2027-10-31T00:29:59", "31 01:30"),
        (Window(60, 150), "2027-10-31T01:29:59", "31 01:30"),
        (Window(60, 150), "2027-10-31T01:30:00", None),
        (WHOLE_DAY, "2027-10-31T22:59:59", "31 23:00"),
    ],
)
def test_nights_in_which_the_clocks_change(window: Window, moment: str, until: str | None) -> None:
    assert seen(window, moment) == until


def test_a_clock_in_1970() -> None:
    assert seen(WHOLE_DAY, "1970-01-01T00:00:00") == "01 23:00"
