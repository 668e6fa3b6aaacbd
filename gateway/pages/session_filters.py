"""Which sessions a reader asked for: the fields of the form, read into what the API and its exports take.

Spans are days of the site's zone. What the words of the choices are is known in the template.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta, tzinfo

from gateway.pages.moments import day_of_field, midnight
from gateway.pages.typed_numbers import whole_number
from gateway.pages.visit import API, Visit, address_with

SPANS = ("all", "today", "week", "month", "last_month", "year", "dates")
STATES = ("", "open", "ended")
# the API knows no instants outside, whatever the zone
_FIRST_DAY, _LAST_DAY = date(1970, 1, 2), date(9998, 12, 30)


@dataclass(frozen=True, slots=True)
class SessionFilters:
    """`first` and `last` are dates as written, both included; `begin` and `end` what the API is asked for.

    `mistakes` has a sentence by the name of the field.
    """

    span: str
    first: str
    last: str
    station: str
    connector: str
    id_tag: str
    note: str
    state: str
    begin: str | None
    end: str | None
    mistakes: Mapping[str, str]

    def for_api(self) -> dict[str, object]:
        """The query of /transactions and everything beside it."""
        asked: dict[str, object] = {
            "from": self.begin,
            "to": self.end,
            "station": self.station or None,
            "connector": self.connector or None,
            "id_tag": self.id_tag or None,
            "note": self.note or None,
            "open": None if not self.state else self.state == "open",
        }
        return {name: value for name, value in asked.items() if value is not None}

    def export(self, name: str, **more: str) -> str:
        """The address of an export of exactly these sessions, such as `transactions.csv`."""
        query = {member: _text_of(value) for member, value in self.for_api().items()} | more
        return address_with(f"{API}/{name}", **query)

    def page(self, path: str, **more: object) -> str:
        """The address of a page about these sessions; members of `more` replace fields, None takes them out."""
        fields: dict[str, object] = {
            "span": "" if self.span == "all" else self.span,
            "first": self.first if self.span == "dates" else "",
            "last": self.last if self.span == "dates" else "",
            "station": self.station,
            "connector": self.connector,
            "id_tag": self.id_tag,
            "note": self.note,
            "state": self.state,
        } | more
        return address_with(path, **fields)

    @property
    def narrow(self) -> bool:
        """Whether anything is asked for at all."""
        return bool(self.for_api())


def filters_asked(visit: Visit) -> SessionFilters:
    """The filters in the page's query; what cannot be understood is a mistake, a choice nobody offered is none."""
    span, state = visit.asked("span", "all"), visit.asked("state")
    span = span if span in SPANS else "all"
    first, last = visit.asked("first"), visit.asked("last")
    mistakes: dict[str, str] = {}
    begin, end = days_of(span, visit.formats.now.astimezone(visit.formats.zone).date())
    if span == "dates":
        begin, end = _dates(visit, first, last, mistakes)
    connector = visit.asked("connector")
    if connector and whole_number(connector) is None:
        mistakes["connector"] = visit.gettext("Write a number, such as 1.")
    zone = visit.formats.zone
    return SessionFilters(
        span=span, first=first, last=last, station=visit.asked("station"), connector=connector,
        id_tag=visit.asked("id_tag"), note=visit.asked("note"), state=state if state in STATES else "",
        begin=_midnight(begin, zone), end=_midnight(end, zone), mistakes=mistakes,
    )  # fmt: skip


def days_of(span: str, today: date) -> tuple[date | None, date | None]:
    """The first day of a span, and the first day behind it; None: no end. Weeks begin on Monday."""
    first_of_month = today.replace(day=1)
    if span == "today":
        return today, None
    if span == "week":
        return today - timedelta(days=today.weekday()), None
    if span == "month":
        return first_of_month, None
    if span == "last_month":
        return (first_of_month - timedelta(days=1)).replace(day=1), first_of_month
    return (today.replace(month=1, day=1), None) if span == "year" else (None, None)


def _dates(visit: Visit, first: str, last: str, mistakes: dict[str, str]) -> tuple[date | None, date | None]:
    begin, end = day_of_field(first), day_of_field(last)
    for name, text, day in (("first", first, begin), ("last", last, end)):
        if text and (day is None or not _FIRST_DAY <= day <= _LAST_DAY):
            mistakes[name] = visit.gettext("Write a date, such as 2027-01-31.")
    if begin is not None and end is not None and end < begin:
        mistakes["last"] = visit.gettext("The last day is before the first day.")
    return begin, end if end is None or end > _LAST_DAY else end + timedelta(days=1)


def _midnight(day: date | None, zone: tzinfo) -> str | None:
    return None if day is None else midnight(day, zone)


def _text_of(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
