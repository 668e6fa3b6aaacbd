"""/system: the version that runs, since when, on which machine, with which clock and disk."""

from __future__ import annotations

from aiohttp import web

from gateway.operations.describe_machine import describe_machine
from gateway.web.asking import expect_only, json_response
from gateway.web.routes import SITE, Route


async def get_system(request: web.Request) -> web.StreamResponse:
    """As of now."""
    expect_only(request, ())
    return json_response(await describe_machine(request.app[SITE]))


ROUTES = (
    Route(
        "GET", "/api/v1/system", get_system, "viewer", "Version, machine, clock and disk of the running gateway",
        answers={200: "System"}, errors=(422,),
    ),
)  # fmt: skip
