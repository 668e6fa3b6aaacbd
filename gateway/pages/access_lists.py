"""The lists of cards in the stations: which version each holds, whether it is the site's, and sending it.

The page is not kept up to date by itself: comparing every station's list with all cards each second would cost much.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import cast

from aiohttp import web

from gateway.pages.access import State
from gateway.pages.said import said
from gateway.pages.station_answers import Said
from gateway.pages.table import Page
from gateway.pages.visit import Visit, part
from gateway.pages.words import mark

Document = Mapping[str, object]

_OUTCOMES = {
    "Accepted": mark("%(station)s has the list now (version %(version)s)."),
    "Failed": mark("%(station)s could not store the list."),
    "VersionMismatch": mark("%(station)s holds another version and did not take the list."),
    "NotSupported": mark("%(station)s keeps no lists, or they are switched off in it."),
    "unclear": mark("%(station)s gave an answer that cannot be understood."),
    "call_error": mark("%(station)s answered with an error: %(detail)s"),
    "unanswered": mark("%(station)s did not answer. It is not known whether it has the list."),
    "not_connected": mark("%(station)s is not connected now. It gets the list when it comes back."),
    "refused": mark("The gateway did not send this to %(station)s: %(detail)s"),
}


async def show(visit: Visit) -> web.StreamResponse:
    """Every station with its list."""
    return visit.page("access_lists.html", await _facts(visit))


async def send(visit: Visit) -> web.StreamResponse:
    """Send the list to one station, or to all that are connected (no `station`), and tell what each said."""
    fields = await visit.form()
    update_type = "Differential" if fields.get("update_type") == "Differential" else "Full"
    names = [fields["station"]] if fields.get("station") else await _connected(visit)
    answers = await asyncio.gather(*(_sent(visit, name, update_type) for name in names))
    if not answers:
        answers = [Said("warning", "", visit.gettext("No station is connected now. Nothing was sent."))]
    template = "access_lists_sent.html" if visit.in_part else "access_lists.html"
    return visit.page(template, {**await _facts(visit), "answers": answers})


async def _sent(visit: Visit, station: str, update_type: str) -> Said:
    answer = await visit.ask("POST", f"/stations/{part(station)}/local-list", {"update_type": update_type})
    outcome = answer.document
    text = _OUTCOMES.get(str(outcome.get("status")))
    if text is None:
        return Said("bad", "", said(visit, answer.detail) or str(outcome.get("status", "")))
    detail = " ".join(str(outcome[name]) for name in ("code", "description") if outcome.get(name))
    version = "–" if outcome.get("version") is None else outcome["version"]
    told = [visit.gettext(text, station=station, version=version, detail=said(visit, detail))]
    if outcome.get("fell_back"):
        told.append(visit.gettext("The whole list was sent: %(why)s", why=said(visit, outcome["fell_back"])))
    if outcome.get("left_out_count"):
        left_out = cast(int, outcome["left_out_count"])
        told.append(visit.ngettext("It has no room for %(num)d card.", "It has no room for %(num)d cards.", left_out))
    if outcome.get("warning"):
        told.append(said(visit, outcome["warning"]))
    return Said("good" if outcome.get("status") == "Accepted" else "warning", "", " ".join(told))


async def _facts(visit: Visit) -> dict[str, object]:
    lists = []
    for station in await visit.every("/stations"):
        answer = await visit.ask("GET", f"/stations/{part(station['id'])}/local-list")
        if answer.good:
            lists.append({"station": station, "list": answer.document, "state": list_state(visit, answer.document)})
    return {"lists": lists, "answers": []}


def list_state(visit: Visit, document: Document) -> State:
    """Where the list in a station stands, in a few words."""
    if document["supported"] is False:
        return State(visit.gettext("keeps no list"), "")
    if document["up_to_date"]:
        return State(visit.gettext("up to date"), "good")
    if document["version"] is None:
        return State(visit.gettext("not known yet"), "")
    return State(visit.gettext("not up to date"), "warning")


async def _connected(visit: Visit) -> list[str]:
    return [str(each["id"]) for each in await visit.every("/stations") if each.get("connected")]


PAGES = (
    Page("GET", "/access/lists", show, "viewer"),
    Page("POST", "/access/lists", send, "operator"),
)
