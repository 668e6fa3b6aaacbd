"""/reservations: what the gateway believes to be reserved. Making and cancelling them are commands to a station."""

from __future__ import annotations

from aiohttp import web

from gateway.store import reports_reservations
from gateway.web.asking import collection, expect_only, flag_of, integer_of, limit_of
from gateway.web.routes import AFTER, LIMIT, SITE, Parameter, Route


async def list_reservations(request: web.Request) -> web.StreamResponse:
    """Those in force, or with uncertain=true those of which nobody knows, in the order of asking."""
    expect_only(request, ("station", "uncertain", "limit", "after"))
    site = request.app[SITE]
    page = await reports_reservations.page(
        site.readers,
        station=request.query.get("station"),
        uncertain=bool(flag_of(request, "uncertain")),
        now=site.wall_clock(),
        after=integer_of(request, "after") or 0,
        limit=limit_of(request),
    )
    return collection(page.items, page.next)


ROUTES = (
    Route(
        "GET", "/api/v1/reservations", list_reservations, "viewer", "Reservations that are believed to be in force",
        parameters=(
            LIMIT, AFTER, Parameter("station", "only this station's"),
            Parameter(
                "uncertain", "true: instead those that the station may hold, because it did not answer",
                {"type": "boolean"},
            ),
        ),
        answers={200: "ReservationCollection"}, errors=(422,),
    ),
)  # fmt: skip
