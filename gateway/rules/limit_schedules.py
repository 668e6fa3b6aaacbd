"""Which window of a weekly schedule is open now, and until when, by the site's clock?

Times of day are those that the clock on site shows. In a night that has one twice, or not at all, a window is as long
as can be meant: a limit that holds too long is the safe side. Which limits the windows have is not known here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from gateway.model.instants import SECOND, Instant

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class Window:
    """From minute `begin` of a local day to minute `end` (1440: its end); when not after `begin`, of the next day.

    `days` are the weekdays on which it begins; none: every day.
    """

    begin: int
    end: int
    days: tuple[str, ...] = ()


def open_until(window: Window, now: Instant, zone: tzinfo) -> Instant | None:
    """The end of the window that is open at this moment; None: it is not open."""
    today = (datetime.fromtimestamp(0, UTC) + timedelta(microseconds=now)).astimezone(zone).date()
    ends = [end for day in (today - timedelta(days=1), today) for end in _if_open(window, day, now, zone)]
    return max(ends, default=None)


def _if_open(window: Window, day: date, now: Instant, zone: tzinfo) -> Iterable[Instant]:
    if window.days and WEEKDAYS[day.weekday()] not in window.days:
        return
    next_day = window.end <= window.begin
    begin = min(_moments(day, window.begin, zone))
    end = max(_moments(day + timedelta(days=1 if next_day else 0), window.end, zone))
    if begin <= now < end:
        yield end


def _moments(day: date, minute: int, zone: tzinfo) -> tuple[Instant, Instant]:
    """When the clock on site shows this: twice the same, or by the time before and after the clocks change."""
    midnight = datetime.combine(day + timedelta(days=minute // 1440), time(), zone)
    local = midnight.replace(hour=minute % 1440 // 60, minute=minute % 60)
    first, second = local.timestamp(), local.replace(fold=1).timestamp()
    return Instant(round(first) * SECOND), Instant(round(second) * SECOND)
