"""/meters: the newest reading of every site meter, its age, whether it may be believed; and the search for others."""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import web

from gateway.operations.scan_line import ScanRefused, scan_line
from gateway.operations.watch_meters import meter_documents
from gateway.web.asking import collection, expect_only, integer_of, json_response, limit_of, object_of
from gateway.web.problems import Problem, unacceptable
from gateway.web.routes import AFTER, LIMIT, SITE, Route


async def list_meters(request: web.Request) -> web.StreamResponse:
    """Meters in the order of the configuration."""
    expect_only(request, ("limit", "after"))
    limit, after = limit_of(request), integer_of(request, "after") or 0
    documents = meter_documents(request.app[SITE])
    return collection(documents[after : after + limit], after + limit if after + limit < len(documents) else None)


async def get_scan(request: web.Request) -> web.StreamResponse:
    """The search that is under way, or the one before."""
    expect_only(request, ())
    return json_response(request.app[SITE].scan.document())


async def post_scan(request: web.Request) -> web.StreamResponse:
    """Search a line for meters; the answer comes at the end of the search."""
    expect_only(request, ())
    try:
        return json_response(await scan_line(request.app[SITE], await object_of(request)))
    except ScanRefused as refused:
        if refused.errors:
            errors = [{"field": field, "detail": detail} for field, detail in refused.errors]
            raise unacceptable(str(refused), errors) from None
        raise Problem(HTTPStatus.CONFLICT, str(refused)) from None


ROUTES = (
    Route(
        "GET", "/api/v1/meters", list_meters, "viewer", "Site meters: newest reading, its age and trust",
        parameters=(LIMIT, AFTER), answers={200: "MeterCollection"}, errors=(422,),
    ),
    Route(
        "GET", "/api/v1/meters/scan", get_scan, "installer", "The search for meters: where it looks, whom it found",
        answers={200: "MeterScan"}, errors=(422,),
    ),
    Route(
        "POST", "/api/v1/meters/scan", post_scan, "installer",
        "Search a line that the gateway does not use for meters; answers when the search is over",
        request={"application/json": "MeterScanWish"}, answers={200: "MeterScan"}, errors=(400, 409, 413, 422),
    ),
)  # fmt: skip
