"""One station: who it is, how it is connected, what its connectors do and may do, and why.

`looked_up` and TABS are what its other screens begin with as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import cast

from aiohttp import web

from gateway.pages.station_words import JOBS, LEASES, ORIGINS, PROFILES, PURPOSES
from gateway.pages.stations import address_of, connector_row
from gateway.pages.table import Page
from gateway.pages.visit import Visit, part
from gateway.pages.worded import worded
from gateway.pages.words import mark
from gateway.web.problems import Problem
from gateway.web.routes import Access

Document = dict[str, object]

# what the address ends with, what the tab is called, and who sees it
TABS: tuple[tuple[str, str, Access], ...] = (
    ("", mark("Overview"), "viewer"),
    ("/actions", mark("Actions"), "operator"),
    ("/keys", mark("Configuration keys"), "viewer"),
    ("/messages", mark("Messages"), "operator"),
    ("/certificates", mark("Certificates"), "viewer"),
    ("/settings", mark("Settings"), "installer"),
)
_MOST_QUIRKS = 50


async def looked_up(visit: Visit) -> Document:
    """The station of the path as the API describes it. Raises Problem when it is unknown."""
    return await visit.get(f"/stations/{part(visit.matched('station'))}")


def frame_of(station: Document, tab: str) -> Document:
    """What every screen of a station shows around its own things."""
    name = str(station["id"])
    base = f"/stations/{part(name)}"
    tabs = [(base + end if end else address_of(name), text, access) for end, text, access in TABS]
    return {"station": station, "base": base, "tabs": tabs, "tab": base + tab if tab else tabs[0][0]}


async def show(visit: Visit) -> web.StreamResponse:
    """The station's overview."""
    return visit.page("station.html", await _facts(visit))


async def pieces(visit: Visit) -> Mapping[str, str]:
    """Connection, connectors, curve, and what is going on beside charging."""
    facts = await _facts(visit)
    return {f"station-{name}": visit.text(f"station_{name}.html", facts) for name in _PIECES}


_MOST_LIMITS = 3  # in the line of a profile; those with more periods list them all below
_PIECES = ("connection", "connectors", "why", "curve", "standing")


async def _facts(visit: Visit) -> Document:
    station = await looked_up(visit)
    name = str(station["id"])
    profiles = await visit.get("/charging-profiles", station=name, limit=100)
    return {
        **frame_of(station, ""),
        "origin": worded(visit, ORIGINS, station["origin"]),
        "security": worded(visit, PROFILES, station["security_profile"]),
        "connectors": await _connectors(visit, station),
        "why": await _why(visit, name),
        "sessions": station["running_transactions"],
        "profiles": [_profile(visit, each) for each in cast(list[Document], profiles["items"])],
        "uncertain": profiles.get("uncertain", []),
        "jobs": [_job(visit, each) for each in cast(list[Document], station["jobs"])],
        "quirks": cast(list[Document], station["quirks"])[:_MOST_QUIRKS],
    }


async def _connectors(visit: Visit, station: Document) -> list[Document]:
    """Every connector that told a status or has a limit: what it says, what it draws and may draw."""
    summary = await visit.get("/site/summary")
    stations = cast(list[Document], summary["stations"])
    card = next((each for each in stations if each["station"] == station["id"]), None)
    drawn = {each["connector"]: each for each in cast(list[Document], card["connectors"])} if card else {}
    told = {each["connector"]: each for each in cast(list[Document], station["connectors"])}
    running = {each["connector"]: each for each in cast(list[Document], station["running_transactions"])}
    site = await visit.get("/site")
    leases = {
        each["connector"]: worded(visit, LEASES, each["lease_mode"])
        for each in cast(list[Document], site["stations"])
        if each["station"] == station["id"]
    }
    numbers = sorted(cast(set[int], told.keys() | drawn.keys() | running.keys()))
    return [
        {
            "number": number,
            "told": connector_row(visit, told[number]) if number in told else None,
            "draw": drawn.get(number),
            "session": running.get(number),
            "lease": leases.get(number, ""),
        }
        for number in numbers
        if number != 0 or told[number]["error_code"] != "NoError" or told[number]["status"] != "Available"
    ]


async def _why(visit: Visit, station: str) -> Document:
    """Why it has its limits; where nobody can say, the reason for that."""
    answer = await visit.ask("GET", f"/stations/{part(station)}/why")
    if answer.good:
        return answer.document
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise Problem(HTTPStatus(answer.status), answer.detail)
    return {"text": answer.detail, "alternatives": [], "connectors": []}


def _profile(visit: Visit, held: Document) -> Document:
    profile = cast(Document, held["profile"])
    schedule = profile.get("chargingSchedule")
    rows = schedule.get("chargingSchedulePeriod", []) if isinstance(schedule, dict) else []
    unit = str(schedule.get("chargingRateUnit", "")) if isinstance(schedule, dict) else ""
    periods = [
        (visit.formats.duration(each.get("startPeriod")), _limit(visit, each.get("limit"), unit))
        for each in (rows if isinstance(rows, list) else [])
        if isinstance(each, dict)
    ]
    limits = [limit for _, limit in periods[:_MOST_LIMITS]]
    return {
        **held,
        "purpose": worded(visit, PURPOSES, profile.get("chargingProfilePurpose")),
        "stack_level": profile.get("stackLevel"),
        "valid_to": profile.get("validTo"),
        "limits": limits + (["…"] if len(periods) > len(limits) else []),
        "periods": periods if len(periods) > len(limits) else [],
    }


def _limit(visit: Visit, limit: object, unit: str) -> str:
    return visit.formats.power(limit) if unit == "W" else visit.formats.amps(limit)


def _job(visit: Visit, job: Document) -> Document:
    return {**job, "what": worded(visit, JOBS, job["kind"])}


PAGES = (
    Page("GET", "/stations/{station}", show, "viewer", pieces=pieces),
    Page("GET", "/stations/{station}/overview", show, "viewer", pieces=pieces),
)
