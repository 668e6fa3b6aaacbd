"""Configuration keys of all stations side by side: which are alike everywhere, and who has which value."""

from __future__ import annotations

from typing import cast

from aiohttp import web

from gateway.pages.table import Page
from gateway.pages.visit import Visit

Document = dict[str, object]

_PAGE = 100


async def show(visit: Visit) -> web.StreamResponse:
    """The keys with the letters that were asked for, or those that differ."""
    asked, after = visit.asked("key"), visit.asked("after")
    page = await visit.get("/configuration-keys", key=asked or None, after=after or None, limit=_PAGE)
    only = bool(visit.asked("only"))
    keys = [_grouped(each) for each in cast(list[Document], page["items"]) if each["differs"] or not only]
    return visit.page("station_keys_compared.html", {"keys": keys, "asked": asked, "only": only, "next": page["next"]})


def _grouped(key: Document) -> Document:
    """The values with the stations that have each, the most frequent first."""
    stations: dict[str | None, list[str]] = {}
    for each in cast(list[Document], key["values"]):
        stations.setdefault(cast("str | None", each["value"]), []).append(str(each["station"]))
    groups = sorted(stations.items(), key=lambda pair: (-len(pair[1]), str(pair[0])))
    return {**key, "groups": [{"value": value, "stations": names} for value, names in groups]}


PAGES = (Page("GET", "/stations/keys", show, "viewer"),)
