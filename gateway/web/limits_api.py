"""/site/limits: lower limits for a time. They never raise the installer's; of a circuit's the lowest holds."""

from __future__ import annotations

from aiohttp import web

from gateway.model.instants import text_of
from gateway.operations.limits_for_a_time import SCHEDULE_SOURCE, find_limits, remove_limit, set_limit
from gateway.store.temporary_limits import KeptLimit
from gateway.web.asking import collection, expect_only, json_response, object_of
from gateway.web.login import actor_of
from gateway.web.problems import not_found, unacceptable
from gateway.web.routes import SITE, Parameter, Route


async def list_limits(request: web.Request) -> web.StreamResponse:
    """Those that hold now, schedules included."""
    expect_only(request, ())
    return collection([_document(one) for one in await find_limits(request.app[SITE])], None)


async def put_limit(request: web.Request) -> web.StreamResponse:
    """Set a source's limit."""
    expect_only(request, ())
    circuit = request.match_info["circuit"]
    outcome = await set_limit(request.app[SITE], circuit, await object_of(request), actor=actor_of(request))
    if outcome is None:
        raise not_found(f"there is no circuit {circuit!r}")
    if not isinstance(outcome, KeptLimit):
        errors = [{"field": mistake.field, "detail": mistake.detail} for mistake in outcome]
        raise unacceptable("the limit cannot be set like this", errors)
    return json_response(_document(outcome))


async def delete_limit(request: web.Request) -> web.StreamResponse:
    """Take a source's limit away; without `source` that of the API."""
    expect_only(request, ("source",))
    circuit, source = request.match_info["circuit"], request.query.get("source")
    outcome = await remove_limit(request.app[SITE], circuit, source, actor=actor_of(request))
    if outcome is None:
        raise not_found(f"there is no circuit {circuit!r}")
    if not outcome:
        theirs = "; schedules are changed in the configuration" if source == SCHEDULE_SOURCE else ""
        raise not_found(f"{source or 'the API'} has set no limit for circuit {circuit!r}{theirs}")
    return web.Response(status=204)


def _document(one: KeptLimit) -> dict[str, object]:
    limit = one.limit
    return {
        "circuit": limit.circuit,
        "source": limit.source,
        "limit_amps": [round(amps, 3) for amps in limit.limit_amps],
        "until": None if limit.until is None else text_of(limit.until),
        "set_by": one.set_by,
        "set_time": None if one.set_at is None else text_of(one.set_at),
    }


ROUTES = (
    Route(
        "GET", "/api/v1/site/limits", list_limits, "viewer", "Lower limits for a time that hold now",
        answers={200: "LimitCollection"}, errors=(422,),
    ),
    Route(
        "PUT", "/api/v1/site/limits/{circuit}", put_limit, "operator", "Limit a circuit for a time",
        request={"application/json": "LimitChange"}, answers={200: "Limit"}, errors=(400, 404, 422),
    ),
    Route(
        "DELETE", "/api/v1/site/limits/{circuit}", delete_limit, "operator", "Take such a limit away",
        parameters=(Parameter("source", "whose limit; left out: that of the API"),),
        answers={204: None}, errors=(404, 422),
    ),
)  # fmt: skip
