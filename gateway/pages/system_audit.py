"""Who did what: the events that somebody wanted, by person, kind and time."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus

from aiohttp import web

from gateway.pages.diagnostics_lists import kinds_with
from gateway.pages.journal_words import facts_of, kind_text
from gateway.pages.moments import day_of_field, midnight
from gateway.pages.paging import ways_along
from gateway.pages.said import said
from gateway.pages.table import Page
from gateway.pages.visit import Visit
from gateway.web.problems import Problem

_PAGE = 50
_DAY = timedelta(days=1)


async def show(visit: Visit) -> web.StreamResponse:
    """Newest first; both dates are included."""
    fields = {name: visit.asked(name) for name in ("actor", "kind", "first", "last")}
    begin, end, mistakes = _span(visit, fields)
    after = visit.asked("after")
    found: dict[str, object] = {"items": [], "next": None}
    if not mistakes:
        wanted = {"actor": fields["actor"] or None, "kind": fields["kind"] or None, "from": begin, "to": end}
        answer = await visit.ask("GET", "/audit", query={**wanted, "limit": _PAGE, "after": after or None})
        if answer.good:
            found = answer.document
        elif answer.status == HTTPStatus.UNPROCESSABLE_ENTITY:  # such as a day before there were clocks
            mistakes = {"first": said(visit, answer.detail)}
        else:
            raise Problem(HTTPStatus(answer.status), answer.detail)
    values = {
        "events": found["items"], "fields": fields, "mistakes": mistakes, "narrow": any(fields.values()),
        "ways": ways_along("/system/audit", at=after, following=found["next"], **fields), "tab": "audit",
        "kinds": kinds_with(visit, fields["kind"]), "kind_text": kind_text, "facts_of": facts_of,
    }  # fmt: skip
    return visit.page("system_audit.html", values, status=422 if mistakes else 200)


def _span(visit: Visit, fields: dict[str, str]) -> tuple[str | None, str | None, dict[str, str]]:
    """From when to when, for the API, and mistakes by field."""
    first, last = day_of_field(fields["first"]), day_of_field(fields["last"])
    days = {"first": first, "last": last}
    mistakes = {
        name: visit.gettext("A date is needed, such as 2027-01-31.")
        for name, day in days.items()
        if fields[name] and day is None
    }
    if first and last and first > last:
        mistakes["last"] = visit.gettext("This is before the first day.")
    zone = visit.formats.zone
    try:
        end = None if last is None else midnight(last + _DAY, zone)
    except OverflowError:  # the last day that a calendar has
        end = None
    return None if first is None else midnight(first, zone), end, mistakes


PAGES = (Page("GET", "/system/audit", show, "installer"),)
