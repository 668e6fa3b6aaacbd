"""/support-bundle: what somebody needs who helps from afar, in one .tar.gz, without any secret.

The same files as the command line makes (`terminal/commands_bundle`); what cannot be had is named in `missing.txt`.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from aiohttp import web

from gateway.model.instants import datetime_of
from gateway.operations.check_network import network_check
from gateway.operations.describe_stations import describe_stations
from gateway.operations.describe_upstreams import describe_upstreams
from gateway.operations.explain_load import describe_site
from gateway.operations.site import Site
from gateway.operations.support_bundle import (
    about,
    configuration_texts,
    files_of,
    new_salt,
    text_for_bundle,
    write_bundle,
)
from gateway.operations.watch_meters import meter_documents
from gateway.store import (
    reports_events,
    reports_jobs,
    reports_load_decisions,
    reports_security_events,
    reports_stations,
    reports_transactions,
)
from gateway.store.database import StoreUnavailable
from gateway.web.asking import MOST_ITEMS, expect_only
from gateway.web.frames_api import line_document
from gateway.web.health_api import health_document
from gateway.web.load_api import decision_documents
from gateway.web.metrics import metrics_text
from gateway.web.routes import SITE, Route

_GZIP = "application/gzip"
_MOST_DECISIONS, _MOST_ROWS = 100, 200

Collected = Callable[[], Awaitable[object]]


async def post_bundle(request: web.Request) -> web.StreamResponse:
    """Make one now; it is kept nowhere."""
    expect_only(request, ())
    site = request.app[SITE]
    documents: dict[str, object] = {}
    missing: list[str] = []
    for name, collect in _documents(site).items():
        try:
            documents[name] = await collect()
        except (StoreUnavailable, OSError) as error:
            missing.append(f"{name}: {error}")
    if missing:
        documents["missing.txt"] = "\n".join(missing) + "\n"
    body = await asyncio.to_thread(_bundle, site, documents)
    name = f"ocpp-gateway-support-{datetime_of(site.wall_clock()):%Y%m%dT%H%M%SZ}.tar.gz"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return web.Response(body=body, content_type=_GZIP, headers=headers)


def _documents(site: Site) -> Mapping[str, Collected]:
    """Every file of the bundle but those about the machine, and what collects it."""
    collectors: dict[str, Callable[[Site], Awaitable[object]]] = {
        "status.json": _status,
        "stations.json": _stations,
        "quirks.json": _quirks,
        "events.json": _events,
        "transactions.json": _transactions,
        "meters.json": _meters,
        "upstreams.json": _upstreams,
        "site.json": _site,
        "load_decisions.json": _decisions,
        "jobs.json": _jobs,
        "security_events.json": _security_events,
        "log.json": _log,
        "network_check.json": _network_check,
        "metrics.txt": metrics_text,
    }
    return {name: partial(collector, site) for name, collector in collectors.items()}


async def _status(site: Site) -> object:
    running = reports_transactions.Filters(open=True)
    found = await reports_transactions.page(site.readers, running, before=None, limit=_MOST_ROWS)
    return {"health": health_document(site), "transactions": _items(found)}


async def _stations(site: Site) -> object:
    found = await describe_stations(site, after="", limit=MOST_ITEMS)
    return {**_items(found), "knocked": await reports_stations.knocks(site.readers, limit=MOST_ITEMS)}


async def _quirks(site: Site) -> object:
    return {str(one["id"]): one["quirks"] for one in await describe_stations(site, after="", limit=MOST_ITEMS)}


async def _events(site: Site) -> object:
    return _items(await reports_events.newest(site.readers, most=MOST_ITEMS, streams=("tx", "ops"), station=None))


async def _transactions(site: Site) -> object:
    wanted = reports_transactions.Filters()
    return _items(await reports_transactions.page(site.readers, wanted, before=None, limit=_MOST_ROWS))


async def _meters(site: Site) -> object:
    return _items(meter_documents(site))


async def _upstreams(site: Site) -> object:
    return _items(await describe_upstreams(site))


async def _site(site: Site) -> object:
    return describe_site(site)


async def _decisions(site: Site) -> object:
    found = await reports_load_decisions.page(
        site.readers, begin=None, end=None, before=None, limit=_MOST_DECISIONS, records=True
    )
    return _items(await asyncio.to_thread(decision_documents, found))


async def _jobs(site: Site) -> object:
    wanted, now = reports_jobs.JobFilters(), site.wall_clock()
    return _items(await reports_jobs.page(site.readers, wanted, before=None, limit=_MOST_ROWS, now=now))


async def _security_events(site: Site) -> object:
    wanted = reports_security_events.EventFilters()
    return _items(await reports_security_events.page(site.readers, wanted, before=None, limit=_MOST_ROWS))


async def _log(site: Site) -> object:
    return _items([line_document(line) for line in site.log.newest(level=0, before=None, limit=MOST_ITEMS)])


async def _network_check(site: Site) -> object:
    return _items(await network_check(site))


def _items(found: object) -> dict[str, object]:
    return {"items": found, "next": None}


def _bundle(site: Site, documents: Mapping[str, object]) -> bytes:
    """Runs in a thread: masking and packing a thousand events takes a while."""
    salt, now = new_salt(), site.wall_clock()
    contents = {name: text_for_bundle(document, salt) for name, document in documents.items()}
    contents["about.json"] = text_for_bundle(about(site.configuration, now), salt)
    contents |= configuration_texts(files_of(site.configuration))
    packed = io.BytesIO()
    write_bundle(packed, contents, now)
    return packed.getvalue()


ROUTES = (
    Route(
        "POST", "/api/v1/support-bundle", post_bundle, "installer",
        "What somebody needs who helps from afar, as .tar.gz without secrets",
        answers={200: {_GZIP: {"type": "string", "format": "binary"}}}, errors=(422,),
    ),
)  # fmt: skip
