"""/upstreams: the links to fleet managers, how far each has the journal, what they wanted done, whether the way to a
broker works, and taking the gateway out of a fleet.
"""

from __future__ import annotations

from contextlib import aclosing
from http import HTTPStatus

from aiohttp import web

from gateway.operations.describe_upstreams import describe_upstreams
from gateway.operations.forget_upstream import CannotForget, forget_upstream
from gateway.operations.try_upstream import try_upstream
from gateway.store import reports_fleet_commands
from gateway.web.asking import collection, expect_only, integer_of, json_response, limit_of
from gateway.web.login import actor_of
from gateway.web.problems import Problem, not_found
from gateway.web.routes import AFTER, LIMIT, SITE, Route


async def list_upstreams(request: web.Request) -> web.StreamResponse:
    """Upstreams in the order of the configuration."""
    expect_only(request, ("limit", "after"))
    limit, after = limit_of(request), integer_of(request, "after") or 0
    documents = await describe_upstreams(request.app[SITE])
    return collection(documents[after : after + limit], after + limit if after + limit < len(documents) else None)


async def post_test(request: web.Request) -> web.StreamResponse:
    """Try the way to a broker, step by step, under a client id of its own: the link that works is not disturbed."""
    expect_only(request, ())
    site, name = request.app[SITE], request.match_info["name"]
    settings = next((one for one in site.configuration.upstreams if one.name == name), None)
    if settings is None:
        raise _no_upstream(name)
    tried = try_upstream(site.configuration, settings, now=site.wall_clock(), clock=site.clock_quality.read())
    async with aclosing(tried):
        steps = [{"step": one.step, "works": one.works, "text": one.text} async for one in tried]
    works = all(step["works"] for step in steps)
    members = {"name": name, "host": settings.host, "port": settings.port, "works": works, "steps": steps}
    return json_response(members)


async def list_commands(request: web.Request) -> web.StreamResponse:
    """What a fleet manager wanted done, newest first."""
    expect_only(request, ("limit", "after"))
    site, name, limit = request.app[SITE], request.match_info["name"], limit_of(request)
    if name not in {one.name for one in site.configuration.upstreams}:
        raise _no_upstream(name)
    found = await reports_fleet_commands.page(site.readers, name, before=integer_of(request, "after"), limit=limit + 1)
    cursor = found[limit - 1][0] if len(found) > limit else None
    return collection([document for _, document in found[:limit]], cursor)


async def post_forget(request: web.Request) -> web.StreamResponse:
    """Clear what the gateway left in the broker, and leave it."""
    expect_only(request, ())
    name = request.match_info["name"]
    try:
        topics = await forget_upstream(request.app[SITE], name, actor=actor_of(request))
    except CannotForget as reason:
        raise Problem(HTTPStatus.CONFLICT, str(reason)) from None
    if topics is None:
        raise _no_upstream(name)
    return json_response({"name": name, "topics": topics})


def _no_upstream(name: str) -> Problem:
    return not_found(f"no upstream is named {name!r}")


ROUTES = (
    Route(
        "GET", "/api/v1/upstreams", list_upstreams, "viewer",
        "Links to fleet managers, and how far each has the journal",
        parameters=(LIMIT, AFTER), answers={200: "UpstreamCollection"}, errors=(422,),
    ),
    Route(
        "POST", "/api/v1/upstreams/{name}/test", post_test, "operator",
        "Try the way to a fleet manager's broker, step by step",
        answers={200: "UpstreamTest"}, errors=(404, 422),
    ),
    Route(
        "GET", "/api/v1/upstreams/{name}/commands", list_commands, "viewer",
        "What a fleet manager wanted done, and what became of it, newest first",
        parameters=(LIMIT, AFTER), answers={200: "FleetCommandCollection"}, errors=(404, 422),
    ),
    Route(
        "POST", "/api/v1/upstreams/{name}/forget", post_forget, "installer",
        "Clear everything that the gateway left in the broker, and leave it",
        answers={200: "Forgotten"}, errors=(404, 409, 422),
    ),
)  # fmt: skip
