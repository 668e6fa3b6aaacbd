"""The sessions: those that run, live; all of them, filtered and summed up, as exports take them away.

What one session looks like is known in `one_session`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import cast

from aiohttp import web

from gateway.pages.paging import ways_through
from gateway.pages.session_filters import SessionFilters, filters_asked
from gateway.pages.session_words import anomalies_of, reason_text
from gateway.pages.table import Page
from gateway.pages.visit import Visit, part
from gateway.pages.words import mark

Document = Mapping[str, object]

_PAGE = 50
_MOST_RUNNING = 200
_MINUTE_SECONDS = 60
# What sessions are summed up by, and what the column is called.
SUMS = {
    "month": mark("Month"),
    "day": mark("Day"),
    "station": mark("Station"),
    "id_tag": mark("Card"),
}


async def show(visit: Visit) -> web.StreamResponse:
    """The running ones, then all that were asked for."""
    filters = filters_asked(visit)
    facts = await _facts(visit, filters, tab="sessions")
    if filters.mistakes:
        return visit.page("sessions.html", facts, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    after = visit.asked("after")
    found = await visit.get("/transactions", limit=_PAGE, after=after or None, **filters.for_api())
    items = documents_of(found)
    ways = ways_through(lambda cursor: filters.page("/sessions", after=cursor), at=after, following=found["next"])
    return visit.page(
        "sessions.html",
        {**facts, **await _running(visit), "lines": await lines_of(visit, items), "ways": ways,
         "sum": await _sum(visit, filters)},
    )  # fmt: skip


async def pieces(visit: Visit) -> Mapping[str, str]:
    """The running sessions."""
    return {"running": visit.text("sessions_running.html", await _running(visit))}


async def show_totals(visit: Visit) -> web.StreamResponse:
    """Sessions summed up by station, card, day or month."""
    filters = filters_asked(visit)
    by = visit.asked("by", "month")
    by = by if by in SUMS else "month"
    facts = {**await _facts(visit, filters, tab="totals"), "by": by, "column": visit.gettext(SUMS[by])}
    if filters.mistakes:
        return visit.page("sessions.html", facts, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    after = visit.asked("after")
    found = await visit.get("/transactions/totals", by=by, limit=_PAGE, after=after or None, **filters.for_api())
    items = documents_of(found)
    notes = await _notes(visit, (each.get("key") for each in items)) if by == "id_tag" else {}
    ways = ways_through(
        lambda cursor: filters.page("/sessions/totals", by=by, after=cursor), at=after, following=found["next"]
    )
    return visit.page(
        "sessions.html",
        {**facts, "totals": items, "notes": notes, "ways": ways, "sum": await _sum(visit, filters)},
    )


async def lines_of(visit: Visit, sessions: Iterable[Document]) -> list[dict[str, object]]:
    """Sessions as a list shows them: each with its words, and the note of its card."""
    listed = [with_all_members(each) for each in sessions]
    notes = await _notes(visit, (each.get("id_tag") for each in listed))
    return [
        {
            "session": each,
            "note": notes.get(str(each.get("id_tag")), ""),
            "seconds": duration_seconds(visit, each),
            "reason": reason_text(visit, each),
            "anomalies": anomalies_of(visit, each),
        }
        for each in listed
    ]


def with_all_members(session: Document) -> Document:
    """A stop whose start nobody knows has no members about it; templates want them empty."""
    return {"start_time": None, "meter_start_wh": None, **session}


def duration_seconds(visit: Visit, session: Document) -> float | None:
    """How long a session lasted; of one that runs how long until now, in whole minutes. None: nobody knows."""
    began = session.get("start_received_time") or session.get("start_time")
    begin, end = visit.formats.local(began), visit.formats.local(session.get("stop_time"))
    if begin is None or (end is None and not session["open"]):
        return None
    if end is not None:
        return max(0.0, (end - begin).total_seconds())
    seconds = (visit.formats.now - begin).total_seconds()
    return max(seconds // _MINUTE_SECONDS * _MINUTE_SECONDS, _MINUTE_SECONDS)


def documents_of(collection: Mapping[str, object]) -> list[Document]:
    """The items of a collection of the API."""
    return cast(list[Document], collection["items"])


async def note_of(visit: Visit, id_tag: object) -> str:
    """What the list of cards says of a card; empty where it says nothing."""
    if not id_tag:
        return ""
    answer = await visit.ask("GET", f"/id-tags/{part(id_tag)}")
    return str(answer.document.get("note") or "") if answer.good else ""


async def _notes(visit: Visit, tags: Iterable[object]) -> dict[str, str]:
    return {str(tag): await note_of(visit, tag) for tag in {str(tag) for tag in tags if tag}}


async def _running(visit: Visit) -> dict[str, object]:
    found = await visit.get("/transactions", open=True, limit=_MOST_RUNNING)
    drawn = {
        (each["station"], each["connector"]): each.get("measured_amps")
        for each in cast(list[Document], (await visit.get("/site"))["stations"])
    }
    lines = await lines_of(visit, documents_of(found))
    for line in lines:
        session = cast(Document, line["session"])
        line["amps"] = drawn.get((session["station"], session["connector"]))
    return {"running": lines, "more_running": found["next"] is not None}


async def _facts(visit: Visit, filters: SessionFilters, *, tab: str) -> dict[str, object]:
    names = [str(each["id"]) for each in await visit.every("/stations")]
    if filters.station and filters.station not in names:
        names.append(filters.station)
    return {"filters": filters, "stations": names, "tab": tab}


async def _sum(visit: Visit, filters: SessionFilters) -> dict[str, float]:
    """Everything that was asked for, in one line."""
    whole: dict[str, float] = {"sessions": 0, "energy_wh": 0}
    for each in await visit.every("/transactions/totals", by="month", **filters.for_api()):
        for name in whole:
            whole[name] += cast(float, each[name] or 0)
    return whole


PAGES = (
    Page("GET", "/sessions", show, "viewer", pieces=pieces),
    Page("GET", "/sessions/totals", show_totals, "viewer"),
)
