"""The first step: name, identity, time zone, the clock, and what happens to stations that nobody knows."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import cast

from aiohttp import web

from gateway.pages.setup import STEPS, Document, decide, frame_of
from gateway.pages.setup_values import mistakes_of
from gateway.pages.table import Page
from gateway.pages.visit import Visit
from gateway.pages.words import mark

PATH = "/setup/site"

# what the configuration calls it, and what it means
UNKNOWN_STATIONS: Mapping[str, tuple[str, str]] = {
    "refuse": (
        mark("Refuse it, and show me that it knocked"),
        mark("The usual choice: you let each station in yourself."),
    ),
    "pending": (
        mark("Let it connect, but not charge"),
        mark("You see what it is before you let it in."),
    ),
    "accept": (
        mark("Let it in at once"),
        mark("Anything in this network that calls itself a station belongs to the site. Only for tests."),
    ),
}
_FIELDS = ("name", "id", "timezone", "unknown_stations")


async def show(visit: Visit) -> web.StreamResponse:
    """The form as it is decided now."""
    setup = await visit.get("/setup")
    values = cast(Mapping[str, Document], setup["site"])
    return await _page(visit, setup, {name: str(values[name]["value"] or "") for name in _FIELDS}, {})


async def save(visit: Visit) -> web.StreamResponse:
    """Decide on what is not fixed."""
    fields, setup = await visit.form(), await visit.get("/setup")
    values = cast(Mapping[str, Document], setup["site"])
    free = [name for name in _FIELDS if name in fields and not values[name]["fixed"]]
    wishes: dict[str, object] = {name: fields[name] for name in free}
    outcome = await decide(visit, wishes, STEPS[1].path)
    if isinstance(outcome, web.Response):
        return outcome
    errors = mistakes_of(visit, outcome, "", _FIELDS, "id")
    return await _page(visit, setup, fields, errors, status=HTTPStatus.UNPROCESSABLE_ENTITY)


async def pieces(visit: Visit) -> Mapping[str, str]:
    """The clock."""
    return {"setup-clock": visit.text("setup_clock.html", {"setup": await visit.get("/setup")})}


async def _page(
    visit: Visit,
    setup: Document,
    fields: Mapping[str, str],
    errors: Mapping[str, str],
    *,
    status: int = HTTPStatus.OK,
) -> web.Response:
    values = {
        **await frame_of(visit, PATH, setup),
        "site": setup["site"],
        "zones": (await visit.get("/time-zones"))["items"],
        "unknown": UNKNOWN_STATIONS,
        "fields": fields,
        "errors": errors,
    }
    return visit.page("setup_site.html", values, status=status)


PAGES = (
    Page("GET", PATH, show, "installer", pieces=pieces),
    Page("POST", PATH, save, "installer"),
)
