"""The whole site for a screen on the wall: large, without a menu, up to date by itself, and nothing to press."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from gateway.pages.table import Page
from gateway.pages.visit import Visit


async def show(visit: Visit) -> web.StreamResponse:
    """The whole screen."""
    return visit.page("kiosk.html", await _facts(visit))


async def pieces(visit: Visit) -> Mapping[str, str]:
    """Numbers, what is wrong, limits, connectors."""
    facts = await _facts(visit)
    return {f"kiosk-{name}": visit.text(f"kiosk_{name}.html", facts) for name in ("counts", "circuits", "connectors")}


async def _facts(visit: Visit) -> dict[str, object]:
    summary = await visit.get("/site/summary")
    stations = summary["stations"]
    assert isinstance(stations, list)
    connectors = [(station, each) for station in stations for each in station["connectors"]]
    watts = [each["power_w"] for _, each in connectors if each["power_w"] is not None]
    there = [each for station, each in connectors if station["connected"]]
    return {
        **summary,
        "connectors": connectors,
        "watts": sum(watts) if watts else None,
        "free": sum(each["status"] == "Available" and each["transaction_id"] is None for each in there),
        "charging": sum(each["transaction_id"] is not None for _, each in connectors),
        "broken": sum(each["status"] in ("Faulted", "Unavailable") for each in there),
        "away": sum(not station["connected"] for station in stations),
    }


PAGES = (Page("GET", "/kiosk", show, pieces=pieces),)
