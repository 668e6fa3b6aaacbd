"""/site/summary and /site/what-if: the site at a glance, and what a lower limit would do."""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import web

from gateway.operations.describe_overview import describe_overview
from gateway.operations.imagine_limit import imagine_limit
from gateway.web.asking import expect_only, json_response, object_of
from gateway.web.problems import Problem, unacceptable
from gateway.web.routes import SITE, Route


async def get_summary(request: web.Request) -> web.StreamResponse:
    """Circuits, connectors, alarms and upstreams, in one answer."""
    expect_only(request, ())
    return json_response(await describe_overview(request.app[SITE]))


async def post_what_if(request: web.Request) -> web.StreamResponse:
    """The allocation as it would be with a lower limit; nothing is changed."""
    expect_only(request, ())
    answer = await imagine_limit(request.app[SITE], await object_of(request))
    if answer is None:
        raise Problem(HTTPStatus.CONFLICT, "nothing has been decided yet since the gateway started")
    if isinstance(answer, tuple):
        errors = [{"field": mistake.field, "detail": mistake.detail} for mistake in answer]
        raise unacceptable("this cannot be asked", errors)
    return json_response(answer)


ROUTES = (
    Route(
        "GET", "/api/v1/site/summary", get_summary, "viewer", "The site at a glance",
        answers={200: "SiteSummary"}, errors=(422,),
    ),
    Route(
        "POST", "/api/v1/site/what-if", post_what_if, "viewer", "What a lower limit would do; nothing is changed",
        request={"application/json": "WhatIfQuestion"}, answers={200: "WhatIf"}, errors=(400, 409, 422),
    ),
)  # fmt: skip
