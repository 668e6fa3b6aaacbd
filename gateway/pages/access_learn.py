"""Learning cards: somebody holds a card to a station, it appears here, and one touch leads to the form for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from aiohttp import web

from gateway.pages.access import state_of
from gateway.pages.said import said
from gateway.pages.table import Page
from gateway.pages.typed_numbers import whole_number
from gateway.pages.visit import Visit, part

SPANS_SECONDS = (60, 180, 600)


async def show(visit: Visit) -> web.StreamResponse:
    """The button that begins, or the cards that were seen."""
    names = [str(each["id"]) for each in await visit.every("/stations")]
    return visit.page("access_learn.html", {**await _learning(visit), "stations": names, "spans": SPANS_SECONDS})


async def pieces(visit: Visit) -> Mapping[str, str]:
    """Whether it waits, and the cards that were seen."""
    return {"learning": visit.text("access_learn_seen.html", await _learning(visit))}


async def begin(visit: Visit) -> web.StreamResponse:
    """Wait for cards; also for the next one."""
    fields = await visit.form()
    seconds = whole_number(fields.get("seconds", ""))
    body = {
        "seconds": SPANS_SECONDS[0] if seconds is None else seconds,
        "station": fields.get("station") or None,
    }
    answer = await visit.ask("PUT", "/id-tags/learn", body)
    return visit.go("/access/learn", None if answer.good else said(visit, answer.detail))


async def end(visit: Visit) -> web.StreamResponse:
    """Wait no longer."""
    answer = await visit.ask("DELETE", "/id-tags/learn")
    return visit.go("/access/learn", None if answer.good else said(visit, answer.detail))


async def _learning(visit: Visit) -> dict[str, object]:
    learning = await visit.get("/id-tags/learn")
    seen = cast(list[Mapping[str, object]], learning["seen"])
    return {"learning": learning, "seen": [await _seen(visit, each) for each in seen]}


async def _seen(visit: Visit, tag: Mapping[str, object]) -> dict[str, object]:
    """With what the list says of the card now: it may have been saved since."""
    answer = await visit.ask("GET", f"/id-tags/{part(tag['id_tag'])}")
    card = answer.document if answer.good and "status" in answer.document else None
    return {"tag": tag, "card": card, "state": None if card is None else state_of(visit, card)}


PAGES = (
    Page("GET", "/access/learn", show, "operator", pieces=pieces),
    Page("POST", "/access/learn", begin, "operator"),
    Page("POST", "/access/learn/end", end, "operator"),
)
