"""Why a station had the limit it had, at a moment that is past."""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import web

from gateway.pages.moments import instant_of_field
from gateway.pages.said import said
from gateway.pages.station import Document, frame_of, looked_up
from gateway.pages.table import Page
from gateway.pages.typed_numbers import whole_number
from gateway.pages.visit import Visit, part
from gateway.web.problems import Problem


async def show(visit: Visit) -> web.StreamResponse:
    """The form, and under it the answer for the moment it names."""
    station = await looked_up(visit)
    at, connector = visit.asked("at"), visit.asked("connector")
    facts: Document = {**frame_of(station, ""), "at": at, "connector": connector, "why": None, "mistake": ""}
    if at:
        facts |= await _answer(visit, str(station["id"]), at, connector)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if facts["mistake"] else HTTPStatus.OK
    return visit.page("station_why_at.html", facts, status=status)


async def _answer(visit: Visit, station: str, at: str, connector: str) -> Document:
    moment = instant_of_field(at, visit.formats.zone)
    if moment is None:
        return {"mistake": visit.gettext("Write a date and a time, such as 2027-01-31 12:00.")}
    query = {"at": moment, "connector": whole_number(connector)}
    answer = await visit.ask("GET", f"/stations/{part(station)}/why", query=query)
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise Problem(HTTPStatus(answer.status), answer.detail)
    return {"why": answer.document} if answer.good else {"mistake": said(visit, answer.detail)}


PAGES = (Page("GET", "/stations/{station}/why", show, "viewer"),)
