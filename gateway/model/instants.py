"""Instants: integer microseconds since the Unix epoch, UTC.

One integer is exact, sorts, fits SQLite, and costs nothing to compare. Text appears only at the doors.
This file does not know what time it is: every instant is handed in.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NewType

Instant = NewType("Instant", int)

SECOND = 1_000_000
# An earlier time comes from a clock that was never set.
CLOCK_NEVER_SET_BEFORE = Instant(1_420_070_400 * SECOND)  # 2015-01-01

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FIRST = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
_LAST = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND


def instant_of(moment: datetime) -> Instant:
    """The instant of an aware datetime; a naive one is an error (ValueError)."""
    if moment.tzinfo is None:
        raise ValueError("a datetime without zone is not an instant")
    return Instant((moment - _EPOCH) // _MICROSECOND)


def datetime_of(instant: Instant) -> datetime:
    """The aware UTC datetime of an instant."""
    return _EPOCH + timedelta(microseconds=instant)


def seconds_later(instant: Instant, seconds: float) -> Instant:
    """The instant that lies `seconds` (may be negative) after `instant`."""
    return Instant(instant + round(seconds * SECOND))


def text_of(instant: Instant) -> str:
    """RFC 3339 UTC with three decimals and `Z`: the only form that every station can read (OCPP 1.6 errata 3.10).

    Never raises: what lies outside the years 1 to 9999 is written as their first or last millisecond.
    """
    if not _FIRST <= instant <= _LAST:
        instant = Instant(_FIRST if instant < _FIRST else _LAST)
    day, within = divmod(instant, 86_400 * SECOND)
    seconds, microseconds = divmod(within, SECOND)
    hours, seconds = divmod(seconds, 3600)
    return f"{_day_text(day)}T{hours:02d}:{seconds // 60:02d}:{seconds % 60:02d}.{microseconds // 1000:03d}Z"


@lru_cache(maxsize=64)
def _day_text(day: int) -> str:
    return (_EPOCH + timedelta(days=day)).date().isoformat()
