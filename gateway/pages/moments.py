"""Dates and times between a form and the API: fields are in the site's zone, the API wants RFC 3339 in UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, tzinfo

from gateway.pages.formats import Formats


def midnight(day: date, zone: tzinfo) -> str:
    """When a day begins, for the API."""
    return _text_of(datetime.combine(day, time(), tzinfo=zone))


def instant_of_field(text: str, zone: tzinfo) -> str | None:
    """What a field of the type datetime-local says, for the API; None when it is no time."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return None
    return _text_of(when if when.tzinfo else when.replace(tzinfo=zone))


def field_of_instant(formats: Formats, instant: object) -> str:
    """An instant of the API as the value of a field of the type datetime-local; empty for none."""
    when = formats.local(instant)
    return "" if when is None else when.strftime("%Y-%m-%dT%H:%M")


def day_of_field(text: str) -> date | None:
    """What a field of the type date says; None when it is no date."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _text_of(when: datetime) -> str:
    try:
        return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")
    except OverflowError:  # the first and last hours that a calendar has
        return when.replace(tzinfo=UTC).strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")
