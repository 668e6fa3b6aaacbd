"""/meters: the newest reading of every site meter, its age, and whether it may be believed."""

from __future__ import annotations

from aiohttp import web

from gateway.operations.watch_meters import meter_documents
from gateway.web.asking import collection, expect_only, integer_of, limit_of
from gateway.web.routes import AFTER, LIMIT, SITE, Route


async def list_meters(request: web.Request) -> web.StreamResponse:
    """Meters in the order of the configuration."""
    expect_only(request, ("limit", "after"))
    limit, after = limit_of(request), integer_of(request, "after") or 0
    documents = meter_documents(request.app[SITE])
    return collection(documents[after : after + limit], after + limit if after + limit < len(documents) else None)


ROUTES = (
    Route(
        "GET", "/api/v1/meters", list_meters, "viewer", "Site meters: newest reading, its age and trust",
        parameters=(LIMIT, AFTER), answers={200: "MeterCollection"}, errors=(422,),
    ),
)  # fmt: skip
