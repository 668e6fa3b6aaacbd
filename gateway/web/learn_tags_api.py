"""/id-tags/learn: for a while, cards that are held to a station are noted, so that people can add them."""

from __future__ import annotations

from aiohttp import web

from gateway.operations.describe_stations import is_known_station
from gateway.operations.learn_tags import LONGEST_SECONDS, begin_learning, end_learning, learning_document
from gateway.web.asking import expect_only, json_response, object_of
from gateway.web.login import actor_of
from gateway.web.problems import unacceptable
from gateway.web.routes import SITE, Route

_USUAL_SECONDS = 60


async def get_learning(request: web.Request) -> web.StreamResponse:
    """Whether it is on, and which cards were seen."""
    expect_only(request, ())
    return json_response(learning_document(request.app[SITE]))


async def put_learning(request: web.Request) -> web.StreamResponse:
    """Begin, or begin anew; what was seen before is forgotten."""
    expect_only(request, ())
    site, fields = request.app[SITE], await object_of(request)
    seconds, station = fields.get("seconds", _USUAL_SECONDS), fields.get("station")
    errors = [
        {"field": name, "detail": "unknown; known are seconds, station"}
        for name in fields
        if name not in ("seconds", "station")
    ]
    if isinstance(seconds, bool) or not isinstance(seconds, int) or not 1 <= seconds <= LONGEST_SECONDS:
        errors.append({"field": "seconds", "detail": f"expected a whole number from 1 to {LONGEST_SECONDS}"})
    if station is not None and not (isinstance(station, str) and await is_known_station(site, station)):
        errors.append({"field": "station", "detail": "expected a station that is known, or null for any"})
    if errors or not isinstance(seconds, int) or not isinstance(station, str | None):
        raise unacceptable("cards cannot be learned like this", errors)
    await begin_learning(site, seconds=seconds, station=station, actor=actor_of(request))
    return json_response(learning_document(site))


async def delete_learning(request: web.Request) -> web.StreamResponse:
    """End it."""
    expect_only(request, ())
    await end_learning(request.app[SITE], actor=actor_of(request))
    return web.Response(status=204)


ROUTES = (
    Route(
        "GET", "/api/v1/id-tags/learn", get_learning, "operator", "Whether cards are learned now, and which were seen",
        answers={200: "Learning"}, errors=(422,),
    ),
    Route(
        "PUT", "/api/v1/id-tags/learn", put_learning, "operator",
        "Note which cards are presented from now on, at one station or any; no answer to a station changes by it",
        request={"application/json": "LearningWish"}, answers={200: "Learning"}, errors=(400, 413, 422),
    ),
    Route(
        "DELETE", "/api/v1/id-tags/learn", delete_learning, "operator", "Note no more, and forget what was seen",
        answers={204: None}, errors=(422,),
    ),
)  # fmt: skip
