"""What a station and the gateway said to each other lately: OCPP messages with filters, newest first."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import cast

from aiohttp import web

from gateway.pages.station import Document, frame_of, looked_up
from gateway.pages.station_answers import pretty
from gateway.pages.station_words import Told
from gateway.pages.table import Page
from gateway.pages.visit import Visit, part
from gateway.pages.words import mark

_PAGE = 50
_LONGEST_LINE = 160
_KINDS = {
    "call": Told(mark("Request")),
    "result": Told(mark("Answer"), "good"),
    "error": Told(mark("Error"), "bad"),
    "unreadable": Told(mark("Unreadable"), "bad"),
}
_DIRECTIONS = {"from_station": mark("from the station"), "to_station": mark("to the station")}


async def show(visit: Visit) -> web.StreamResponse:
    """The newest messages, or a page of older ones."""
    station = await looked_up(visit)
    return visit.page("station_messages.html", {**frame_of(station, "/messages"), **await _facts(visit)})


async def pieces(visit: Visit) -> Mapping[str, str]:
    """The newest messages; a page of older ones stays as it is."""
    if visit.asked("after"):
        return {}
    return {"frames": visit.text("station_frames.html", await _facts(visit))}


async def _facts(visit: Visit) -> Document:
    asked = {name: visit.asked(name) for name in ("action", "direction", "q", "after")}
    direction = asked["direction"] if asked["direction"] in _DIRECTIONS else ""
    wanted = {**asked, "direction": direction, "limit": _PAGE}
    path = f"/stations/{part(visit.matched('station'))}/frames"
    page = await visit.get(path, **{name: value or None for name, value in wanted.items()})
    return {
        "frames": [_frame(visit, each) for each in cast(list[Document], page["items"])],
        "next": page["next"],
        "asked": {**asked, "direction": direction},
        "directions": _DIRECTIONS,
    }


def _frame(visit: Visit, frame: Document) -> Document:
    text, kind = str(frame["text"]), _KINDS.get(str(frame["kind"]), Told(str(frame["kind"])))
    return {
        **frame,
        "kind_text": visit.gettext(kind.text),
        "look": kind.look,
        "direction_text": visit.gettext(_DIRECTIONS.get(str(frame["direction"]), str(frame["direction"]))),
        "line": text if len(text) <= _LONGEST_LINE else f"{text[:_LONGEST_LINE]}…",
        "whole": _pretty(text),
    }


def _pretty(text: str) -> str:
    try:
        return pretty(json.loads(text))
    except ValueError:  # cut off, or not JSON at all: as it came
        return text


PAGES = (Page("GET", "/stations/{station}/messages", show, "operator", pieces=pieces),)
