"""/site: what the site does with its current."""

from __future__ import annotations

from aiohttp import web

from gateway.operations.explain_load import describe_site
from gateway.web.asking import expect_only, json_response
from gateway.web.routes import SITE, Route


async def get_site(request: web.Request) -> web.StreamResponse:
    """Circuits and stations of the newest decision."""
    expect_only(request, ())
    return json_response(describe_site(request.app[SITE]))


ROUTES = (
    Route(
        "GET", "/api/v1/site", get_site, "viewer", "Circuits and stations: what is measured and allotted",
        answers={200: {"type": "object", "required": ["circuits", "stations"]}}, errors=(422,),
    ),
)  # fmt: skip
