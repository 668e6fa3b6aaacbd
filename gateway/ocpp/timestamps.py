"""What stations write where a date-time belongs, read leniently (OCPP 1.6 errata 3.10, and the habits of the field).

Decides which spellings still name one moment. It does not know what time it is, nor whether a station's clock is right:
a time of 1970 is read as written, and the raw text is kept beside the result by whoever stores it.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from gateway.model.instants import SECOND, Instant

# A clock that was never set shows 1970; before that there are only filled-in blanks such as the year 0001
_EARLIEST = -86_400 * SECOND
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_WITHOUT_ZONE = datetime(1970, 1, 1)
_LATEST = (datetime(9999, 12, 31, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
_MICROSECOND = timedelta(microseconds=1)

_SPELLING = re.compile(
    r"(?P<year>[0-9]{4})[-/]?(?P<month>[0-9]{2})[-/]?(?P<day>[0-9]{2})"
    r"(?:[Tt]|[ ]+)"
    r"(?P<hour>[0-9]{2}):?(?P<minute>[0-9]{2})(?::?(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]*))?)?"
    r"[ ]*(?P<zone>[Zz]|UTC|GMT|(?P<sign>[+-])(?P<off_hours>[0-9]{2})(?::?(?P<off_minutes>[0-9]{2}))?)?"
)


def read_instant(text: str, *, assumed_offset_minutes: int = 0) -> Instant | None:
    """The instant a station means; a text without zone is `assumed_offset_minutes` east of UTC. None: not a time.

    Fractions are cut at microseconds; 24:00:00 and second 60 are the moment after. Never raises.
    """
    if len(text) >= 20 and text[10] == "T" and (text[-1] == "Z" or text[-6] in "+-"):  # nearly always: leave it to C
        try:
            return _in_range((datetime.fromisoformat(text) - _EPOCH) // _MICROSECOND)
        except ValueError:
            pass
    spelling = _SPELLING.fullmatch(text.strip())
    if spelling is None:
        return None
    try:
        return _in_range(_microseconds(spelling, assumed_offset_minutes))
    except ValueError:
        return None


def _microseconds(spelling: re.Match[str], assumed_offset_minutes: int) -> int:
    """Microseconds since the epoch; ValueError: a field out of its range."""
    hour, minute, second = (int(spelling[name] or 0) for name in ("hour", "minute", "second"))
    fraction = int((spelling["fraction"] or "")[:6].ljust(6, "0"))
    if minute > 59 or second > 60 or hour > 24 or (hour == 24 and minute + second + fraction > 0):
        raise ValueError("not a time of day")
    day = datetime(int(spelling["year"]), int(spelling["month"]), int(spelling["day"])) - _EPOCH_WITHOUT_ZONE
    seconds = day.days * 86_400 + hour * 3600 + minute * 60 + second
    return (seconds - 60 * _offset_minutes(spelling, assumed_offset_minutes)) * SECOND + fraction


def _offset_minutes(spelling: re.Match[str], assumed_offset_minutes: int) -> int:
    if spelling["zone"] is None:
        return assumed_offset_minutes
    if spelling["sign"] is None:
        return 0
    hours, minutes = int(spelling["off_hours"]), int(spelling["off_minutes"] or 0)
    if hours > 23 or minutes > 59:
        raise ValueError("not an offset")
    return (hours * 60 + minutes) * (-1 if spelling["sign"] == "-" else 1)


def _in_range(microseconds: int) -> Instant | None:
    return Instant(microseconds) if _EARLIEST <= microseconds <= _LATEST else None
