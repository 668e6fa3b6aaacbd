"""The first screen: what the site draws against its limits, what is wrong, and every station with the reason of its
limit.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from aiohttp import web
from markupsafe import Markup

from gateway.pages.table import Page
from gateway.pages.visit import Visit

# Places for stations that come while the page is open.
_SPARE_CARDS = 25
_HOURS = 24
_CARDS_AT_ONCE = 20


async def show(visit: Visit) -> web.StreamResponse:
    """The whole screen."""
    summary = await visit.get("/site/summary")
    cards = [Markup(card) for card in (await _cards(visit, summary["stations"])).values()]  # made by a template
    return visit.page("overview.html", {**summary, "cards": cards, "hours": _HOURS})


async def pieces(visit: Visit) -> Mapping[str, str]:
    """The limits, what is wrong, the links to fleet managers, and each station's card."""
    summary = await visit.get("/site/summary")
    parts = {
        name: visit.text(f"overview_{name}.html", summary) for name in ("circuits", "alarms", "upstreams", "counts")
    }
    return parts | await _cards(visit, summary["stations"])


async def _cards(visit: Visit, stations: object) -> dict[str, str]:
    """By the id of its place, what is in it; some places are empty. Stations are answered between the cards."""
    assert isinstance(stations, list)
    card = visit.environment.get_template("overview_card.html")
    cards: dict[str, str] = {}
    for number, each in enumerate(stations):
        cards[f"card-{number}"] = card.render(visit=visit, station=each)
        if number % _CARDS_AT_ONCE == 0:
            await asyncio.sleep(0)
    return cards | {f"card-{number}": "" for number in range(len(stations), len(stations) + _SPARE_CARDS)}


PAGES = (Page("GET", "/", show, "viewer", pieces=pieces),)
