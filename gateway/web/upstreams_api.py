"""/upstreams: the links to fleet managers, how far each has the journal, and taking the gateway out of a fleet."""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import web

from gateway.operations.describe_upstreams import describe_upstreams
from gateway.operations.forget_upstream import CannotForget, forget_upstream
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


async def post_forget(request: web.Request) -> web.StreamResponse:
    """Clear what the gateway left in the broker, and leave it."""
    expect_only(request, ())
    name = request.match_info["name"]
    try:
        topics = await forget_upstream(request.app[SITE], name, actor=actor_of(request))
    except CannotForget as reason:
        raise Problem(HTTPStatus.CONFLICT, str(reason)) from None
    if topics is None:
        raise not_found(f"no upstream is named {name!r}")
    return json_response({"name": name, "topics": topics})


ROUTES = (
    Route(
        "GET", "/api/v1/upstreams", list_upstreams, "viewer",
        "Links to fleet managers, and how far each has the journal",
        parameters=(LIMIT, AFTER), answers={200: "UpstreamCollection"}, errors=(422,),
    ),
    Route(
        "POST", "/api/v1/upstreams/{name}/forget", post_forget, "installer",
        "Clear everything that the gateway left in the broker, and leave it",
        answers={200: "Forgotten"}, errors=(404, 409, 422),
    ),
)  # fmt: skip
