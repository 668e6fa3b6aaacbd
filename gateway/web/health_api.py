"""/livez, /readyz, /healthz: does the event loop answer, can stations be served and heard, who is unwell."""

from __future__ import annotations

import asyncio

from aiohttp import web

from gateway.operations.site import Site
from gateway.store.database import StoreUnavailable
from gateway.store.writing import Writing
from gateway.web.asking import json_response
from gateway.web.routes import SITE, Route

_PATIENCE_SECONDS = 5.0


async def get_livez(request: web.Request) -> web.StreamResponse:
    """The event loop answers."""
    return json_response({"status": "alive"})


async def get_readyz(request: web.Request) -> web.StreamResponse:
    """The doors are open and the writer thread can begin a transaction."""
    site = request.app[SITE]
    reasons = [f"{name}: {ailment}" for name, ailment in site.health.components().items() if ailment]
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            await site.database.write(_touch)
    except (StoreUnavailable, TimeoutError) as error:
        return json_response({"status": "not ready", "reasons": [f"store: {error or 'busy'}"]}, status=503)
    if not site.health.ready() or site.database.failure is not None:
        return json_response({"status": "not ready", "reasons": reasons or ["starting"]}, status=503)
    return json_response({"status": "ready"})


async def get_healthz(request: web.Request) -> web.StreamResponse:
    """Every component, what ails it, and what somebody should see to before it does."""
    document = health_document(request.app[SITE])
    return json_response(document, status=200 if document["status"] == "well" else 503)


def health_document(site: Site) -> dict[str, object]:
    """Every component, `status` well or unwell."""
    components, notices = site.health.components(), site.health.notices()
    well = all(ailment is None for ailment in components.values())
    return {
        "status": "well" if well else "unwell",
        "components": {
            name: {
                "well": ailment is None,
                "reason": ailment,
                **({"notice": notices[name]} if name in notices else {}),
            }
            for name, ailment in sorted(components.items())
        },
    }


def _touch(db: Writing) -> None:
    db.execute("SELECT 1")


ROUTES = (
    Route("GET", "/livez", get_livez, "loopback", "The gateway answers", answers={200: "Health"}),
    Route(
        "GET", "/readyz", get_readyz, "loopback", "Stations can be served and what they say can be stored",
        answers={200: "Health", 503: "Health"},
    ),
    Route(
        "GET", "/healthz", get_healthz, "loopback", "Every component, and what ails it; 503 when any is unwell",
        answers={200: "Health", 503: "Health"},
    ),
)  # fmt: skip
