"""/jobs and /security-events: what stations load, install and upload, and what they and the gateway saw of security."""

from __future__ import annotations

from aiohttp import web

from gateway.operations.describe_stations import is_known_station
from gateway.store import reports_jobs, reports_security_events
from gateway.store.security_events import SOURCES
from gateway.store.station_jobs import KINDS
from gateway.web.asking import collection, expect_only, flag_of, integer_of, limit_of
from gateway.web.problems import not_found, unacceptable
from gateway.web.routes import AFTER, LIMIT, SITE, Parameter, Route


async def list_jobs(request: web.Request) -> web.StreamResponse:
    """Jobs of all stations, newest first."""
    expect_only(request, ("limit", "after", "station", "kind", "open"))
    return await _page(request, request.query.get("station"))


async def list_jobs_of_station(request: web.Request) -> web.StreamResponse:
    """Jobs of one station, newest first."""
    expect_only(request, ("limit", "after", "kind", "open"))
    station = request.match_info["station"]
    if not await is_known_station(request.app[SITE], station):
        raise not_found(f"no station {station!r} is known")
    return await _page(request, station)


async def list_security_events(request: web.Request) -> web.StreamResponse:
    """Security events, newest first."""
    expect_only(request, ("limit", "after", "station", "source", "critical"))
    limit = limit_of(request)
    filters = reports_security_events.EventFilters(
        station=request.query.get("station"),
        source=_one_of(request, "source", SOURCES),
        critical=flag_of(request, "critical"),
    )
    found = await reports_security_events.page(
        request.app[SITE].readers, filters, before=integer_of(request, "after"), limit=limit + 1
    )
    return collection(found[:limit], found[limit - 1]["security_event_id"] if len(found) > limit else None)


async def _page(request: web.Request, station: str | None) -> web.StreamResponse:
    site, limit = request.app[SITE], limit_of(request)
    filters = reports_jobs.JobFilters(
        station=station, kind=_one_of(request, "kind", KINDS), open=flag_of(request, "open")
    )
    before = integer_of(request, "after")
    found = await reports_jobs.page(site.readers, filters, before=before, limit=limit + 1, now=site.wall_clock())
    return collection(found[:limit], found[limit - 1]["job_id"] if len(found) > limit else None)


def _one_of(request: web.Request, name: str, words: tuple[str, ...]) -> str | None:
    text = request.query.get(name)
    if text is not None and text not in words:
        raise unacceptable(f"{name}: expected {', '.join(words[:-1])} or {words[-1]}")
    return text


_KIND = Parameter("kind", "only jobs of this kind", {"enum": list(KINDS)})
_OPEN = Parameter("open", "true: only those that have no result yet; false: only the others", {"type": "boolean"})
_STATION = Parameter("station", "only this station's")
_SOURCE = Parameter("source", "told by stations, or seen by the gateway", {"enum": list(SOURCES)})
_CRITICAL = Parameter("critical", "true: only those that somebody should look at", {"type": "boolean"})

ROUTES = (
    Route(
        "GET", "/api/v1/jobs", list_jobs, "viewer", "Firmware, diagnostics and log jobs of all stations, newest first",
        parameters=(LIMIT, AFTER, _STATION, _KIND, _OPEN), answers={200: "JobCollection"}, errors=(422,),
    ),
    Route(
        "GET", "/api/v1/stations/{station}/jobs", list_jobs_of_station, "viewer",
        "Firmware, diagnostics and log jobs of one station, newest first",
        parameters=(LIMIT, AFTER, _KIND, _OPEN), answers={200: "JobCollection"}, errors=(404, 422),
    ),
    Route(
        "GET", "/api/v1/security-events", list_security_events, "viewer", "Security events, newest first",
        parameters=(LIMIT, AFTER, _STATION, _SOURCE, _CRITICAL), answers={200: "SecurityEventCollection"},
        errors=(422,),
    ),
)  # fmt: skip
