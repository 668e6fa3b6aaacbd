"""/events: the journal in pages, and as a live feed that never ends (server-sent events)."""

from __future__ import annotations

import re

from aiohttp import web

from gateway.model.journal import STREAMS
from gateway.store import reports_events
from gateway.web.asking import MOST_ITEMS, expect_only, integer_of, large_collection, limit_of, require
from gateway.web.live_feed import feed
from gateway.web.problems import unacceptable
from gateway.web.routes import LIMIT, SITE, Parameter, Route

# Meter frames are many and large: they come only when asked for.
_DEFAULT_STREAMS = ("tx", "ops")


async def list_events(request: web.Request) -> web.StreamResponse:
    """Events in the order in which they were recorded."""
    expect_only(request, ("limit", "after", "last", "before", "stream", "station", "kind"))
    readers, streams, station = request.app[SITE].readers, _streams(request), request.query.get("station")
    last, before, kind = integer_of(request, "last"), integer_of(request, "before"), request.query.get("kind")
    if last is not None:
        require(1 <= last <= MOST_ITEMS, f"last: expected a whole number from 1 to {MOST_ITEMS}")
        require(not {"after", "limit"} & set(request.query), "last: not together with after or limit")
        return await large_collection(
            await reports_events.newest(readers, most=last, streams=streams, station=station, kind=kind, before=before),
            None,
        )
    require(before is None, "before: only together with last")
    after, limit = integer_of(request, "after") or 0, limit_of(request)
    found, complete = await reports_events.page(
        readers, after=after, limit=limit, streams=streams, station=station, kind=kind
    )
    return await large_collection(found, None if complete else found[-1]["event_id"])


async def stream_events(request: web.Request) -> web.StreamResponse:
    """New events as they are recorded; from a cursor on when the client names one, else from now on."""
    expect_only(request, ("after", "stream", "station"))
    readers = request.app[SITE].readers
    last = request.headers.get("Last-Event-ID", "").strip()
    after = int(last) if re.fullmatch(r"[0-9]{1,18}", last) else integer_of(request, "after")
    if after is None:
        after = await reports_events.newest_id(readers)
    return await feed(request, after=after, streams=_streams(request), station=request.query.get("station"))


def _streams(request: web.Request) -> tuple[str, ...]:
    asked = request.query.get("stream")
    if asked is None:
        return _DEFAULT_STREAMS
    if asked == "all":
        return STREAMS
    names = tuple(name.strip() for name in asked.split(","))
    if any(name not in STREAMS for name in names):
        raise unacceptable("stream: expected tx, ops, meter (or several with commas), or all")
    return names


_STREAM = Parameter("stream", "tx, ops, meter, several with commas, or all; without it tx and ops")
_STATION = Parameter("station", "only this station's events")
_LAST = Parameter(
    "last", "the newest N instead of those after a cursor", {"type": "integer", "minimum": 1, "maximum": MOST_ITEMS}
)
_BEFORE = Parameter("before", "with last: only events before this event_id", {"type": "integer"})
_KIND = Parameter("kind", "only events of this kind")
_AFTER = Parameter("after", "event_id of the last event that is known already", {"type": "integer", "default": 0})

ROUTES = (
    Route(
        "GET", "/api/v1/events", list_events, "viewer", "The journal, oldest first",
        parameters=(LIMIT, _AFTER, _LAST, _BEFORE, _STREAM, _STATION, _KIND),
        answers={200: "EventCollection"}, errors=(422,),
    ),
    Route(
        "GET", "/api/v1/events/stream", stream_events, "viewer",
        "The journal as server-sent events; `Last-Event-ID` or `after` resume, without them it begins now",
        parameters=(_AFTER, _STREAM, _STATION), answers={200: {"text/event-stream": {"type": "string"}}}, errors=(422,),
    ),
)  # fmt: skip
