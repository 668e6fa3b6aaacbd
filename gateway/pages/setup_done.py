"""The last step: the first charge, watched while it happens, and where to go from there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from aiohttp import web

from gateway.pages.setup import Document, frame_of
from gateway.pages.table import Page
from gateway.pages.visit import Visit

PATH = "/setup/done"


async def show(visit: Visit) -> web.StreamResponse:
    """What to do, or the session that runs."""
    return visit.page("setup_done.html", {**await frame_of(visit, PATH), **await _facts(visit)})


async def pieces(visit: Visit) -> Mapping[str, str]:
    """The session."""
    return {"setup-first": visit.text("setup_first.html", await _facts(visit))}


async def _facts(visit: Visit) -> Document:
    setup, newest = await visit.get("/setup"), await visit.get("/transactions", limit=1)
    stations = cast(list[Document], (await visit.get("/site/summary"))["stations"])
    charging = [
        {**connector, "station": each["station"]}
        for each in stations
        for connector in cast(list[Document], each["connectors"])
        if connector["transaction_id"] is not None
    ]
    sessions = cast(list[Document], newest["items"])
    return {
        "setup": setup,
        "charging": charging[:3],
        "session": sessions[0] if sessions else None,
        "connected": [each["station"] for each in stations if each["connected"]],
        "free": cast(Mapping[str, Document], setup["site"])["unknown_tags"]["value"] == "accept",
    }


PAGES = (Page("GET", PATH, show, "installer", pieces=pieces),)
