"""/network-check: what keeps stations, fleet managers and this machine apart, looked at when it is asked."""

from __future__ import annotations

from aiohttp import web

from gateway.operations.check_network import network_check
from gateway.web.asking import collection, expect_only
from gateway.web.routes import SITE, Route


async def get_network_check(request: web.Request) -> web.StreamResponse:
    """Look now; takes up to five seconds when a broker does not answer."""
    expect_only(request, ())
    return collection(await network_check(request.app[SITE]), None)


ROUTES = (
    Route(
        "GET", "/api/v1/network-check", get_network_check, "operator",
        "Addresses, ports, ways, brokers, clock, certificates, disk and meters, looked at now, with advice",
        answers={200: "FindingCollection"}, errors=(422,),
    ),
)  # fmt: skip
