"""Numbers and times as the reader writes them, with their units, in the site's zone.

Everything takes what the API gives (W, Wh, A, seconds, RFC 3339 text) and None, which is shown as a dash.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from functools import cache

from babel import Locale
from babel.dates import format_date, format_datetime, format_time, format_timedelta
from babel.numbers import NumberPattern, format_decimal, get_decimal_symbol, parse_pattern

NOTHING = "–"
# between a number and its unit: never broken over two lines
_NARROW = "\N{NO-BREAK SPACE}"
# above it no number of a station means anything, and none is written out
_FAR = 1e15


@cache
def _pattern(digits: int) -> NumberPattern:
    return parse_pattern("#,##0" + ("." + "#" * digits if digits else ""))


@dataclass(frozen=True, slots=True)
class Formats:
    """How one reader is told numbers and times."""

    locale: Locale
    zone: tzinfo
    now: datetime

    def spreadsheet(self) -> dict[str, str]:
        """How the reader's Excel reads a CSV file, as parameters of the API.

        Where numbers have a comma, fields are separated by semicolons; English settings know commas only, and those of
        other languages with a point in numbers, as in Switzerland, semicolons.
        """
        decimal = get_decimal_symbol(self.locale)
        commas = decimal == "." and self.locale.language == "en"
        return {"separator": "," if commas else ";", "decimal": "." if decimal == "." else ",", "bom": "true"}

    def number(self, value: object, digits: int = 0) -> str:
        """A number with at most so many digits after the point."""
        if not isinstance(value, int | float):
            return NOTHING
        if not abs(value) < _FAR:
            return f"{Decimal(value):.4g}"
        rounded = round(value, digits)
        if 0 <= rounded < 1000 and rounded == int(rounded):
            return str(int(rounded))  # the most usual numbers, which are written alike everywhere
        return format_decimal(rounded, format=_pattern(digits), locale=self.locale)

    def exact(self, value: object, digits: int) -> str:
        """A number with exactly so many digits after the point."""
        if not isinstance(value, int | float):
            return NOTHING
        if not abs(value) < _FAR:
            return f"{Decimal(value):.4g}"
        return format_decimal(value, format="#,##0" + ("." + "0" * digits if digits else ""), locale=self.locale)

    def amps(self, value: object, digits: int = 1) -> str:
        """Amperes."""
        return self._with_unit(self.number(value, digits), "A")

    def volts(self, value: object) -> str:
        """Volts."""
        return self._with_unit(self.number(value), "V")

    def three_amps(self, values: object) -> str:
        """Amperes of three phases, shortened to one number where all are equal."""
        if not isinstance(values, list) or not values:
            return NOTHING
        if all(value == values[0] for value in values):
            return self.amps(values[0])
        return self._with_unit(" / ".join(self.number(value, 1) for value in values), "A")

    def power(self, watts: object) -> str:
        """Kilowatts with one digit; below 100 W in watts."""
        if not isinstance(watts, int | float):
            return NOTHING
        if abs(watts) < 100:
            return self._with_unit(self.number(watts), "W")
        return self._with_unit(self.exact(watts / 1000, 1), "kW")

    def energy(self, watt_hours: object) -> str:
        """Kilowatt hours with two digits."""
        if not isinstance(watt_hours, int | float):
            return NOTHING
        return self._with_unit(self.exact(watt_hours / 1000, 2), "kWh")

    def size(self, octets: object) -> str:
        """Bytes in the unit that fits."""
        if not isinstance(octets, int | float):
            return NOTHING
        for unit, of in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
            if octets >= of:
                return self._with_unit(self.number(octets / of, 1), unit)
        return self._with_unit(self.number(octets), "B")

    def percent(self, share: object) -> str:
        """A share of one as percent."""
        if not isinstance(share, int | float):
            return NOTHING
        return self._with_unit(self.number(share * 100), "%")

    def moment(self, instant: object) -> str:
        """Date and time of day to the minute."""
        when = self.local(instant)
        return NOTHING if when is None else str(format_datetime(when, "short", locale=self.locale))

    def second(self, instant: object) -> str:
        """Date and time of day to the second."""
        when = self.local(instant)
        return NOTHING if when is None else str(format_datetime(when, "medium", locale=self.locale))

    def day(self, instant: object) -> str:
        """A date."""
        when = self.local(instant)
        return NOTHING if when is None else str(format_date(when, "medium", locale=self.locale))

    def clock(self, instant: object) -> str:
        """A time of day to the second; with the date where it is not today's."""
        when = self.local(instant)
        if when is None:
            return NOTHING
        if when.date() != self.now.astimezone(self.zone).date():
            return self.moment(instant)
        return str(format_time(when, "medium", locale=self.locale))

    def ago(self, instant: object) -> str:
        """How long ago, or in how long, in the largest unit."""
        when = self.local(instant)
        if when is None:
            return NOTHING
        return str(format_timedelta(when - self.now, add_direction=True, locale=self.locale))

    def duration(self, seconds: object) -> str:
        """A time span as hours and minutes, below an hour in minutes, below a minute in seconds."""
        if not isinstance(seconds, int | float):
            return NOTHING
        whole = int(seconds)
        if whole < 60:
            return self._with_unit(str(whole), "s")
        if whole < 3600:
            return self._with_unit(str(whole // 60), "min")
        hours, minutes = self._with_unit(self.number(whole // 3600), "h"), whole % 3600 // 60
        return f"{hours} {self._with_unit(str(minutes), 'min')}" if minutes else hours

    def local(self, instant: object) -> datetime | None:
        """An instant of the API in the site's zone; None when it is none."""
        if not isinstance(instant, str) or not instant:
            return None
        try:
            when = datetime.fromisoformat(instant)
        except ValueError:
            return None
        when = when if when.tzinfo else when.replace(tzinfo=UTC)
        try:
            return when.astimezone(self.zone)
        except OverflowError:  # "without end" (RFC 5280: 9999-12-31) has no next day elsewhere
            return when

    def _with_unit(self, text: str, unit: str) -> str:
        return text if text == NOTHING else f"{text}{_NARROW}{unit}"
