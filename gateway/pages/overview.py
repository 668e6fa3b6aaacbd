"""The first screen: what the site draws against its limits, what is wrong, and every station with the reason of its
limit.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from aiohttp import web

from gateway.pages.table import Page
from gateway.pages.visit import Visit

# Places for stations that come while the page is open.
_SPARE_CARDS = 25
_HOURS = 24
_CARDS_AT_ONCE = 20
_PARTS = ("circuits", "alarms", "upstreams", "counts", "stations-none")


async def show(visit: Visit) -> web.StreamResponse:
    """The whole screen."""
    summary = await visit.get("/site/summary")
    stations = summary["stations"]
    assert isinstance(stations, list)
    return await visit.long_page("overview.html", {**summary, "cards": len(stations) + _SPARE_CARDS, "hours": _HOURS})


async def pieces(visit: Visit) -> Mapping[str, str]:
    """The limits, what is wrong, the links to fleet managers, and each station's card."""
    summary = await visit.get("/site/summary")
    stations = summary["stations"]
    assert isinstance(stations, list)
    parts = {name: visit.text(f"overview_{name.replace('-', '_')}.html", summary) for name in _PARTS}
    card = visit.environment.get_template("overview_card.html")
    cards: dict[str, str] = {}
    for number, each in enumerate(stations):
        cards[f"card-{number}"] = card.render(visit=visit, station=each)
        if number % _CARDS_AT_ONCE == 0:
            await asyncio.sleep(0)  # stations are answered in between
    gone = {f"card-{number}": "" for number in range(len(stations), len(stations) + _SPARE_CARDS)}
    return parts | cards | gone


PAGES = (Page("GET", "/", show, "viewer", pieces=pieces),)
