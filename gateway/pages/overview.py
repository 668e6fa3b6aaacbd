"""The first screen: what the site draws against its limits, and every station with the reason of its limit."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from gateway.pages.table import Page
from gateway.pages.visit import Visit


async def show(visit: Visit) -> web.StreamResponse:
    """The whole screen."""
    return visit.page("overview.html", await _facts(visit))


async def pieces(visit: Visit) -> Mapping[str, str]:
    """The limits, and each station's card."""
    facts = await _facts(visit)
    return {"circuits": visit.text("overview_circuits.html", facts)}


async def _facts(visit: Visit) -> dict[str, object]:
    site = await visit.get("/site")
    stations = await visit.get("/stations", limit=1000)
    return {"circuits": site["circuits"], "stations": stations["items"]}


PAGES = (Page("GET", "/", show, "viewer", pieces=pieces),)
