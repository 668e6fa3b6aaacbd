"""/stations: who is known, who is connected, who knocked; making, changing and removing stations."""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import web

from gateway.operations.apply_settings import apply_settings
from gateway.operations.describe_local_lists import local_list_in_short
from gateway.operations.describe_stations import describe_station, describe_stations
from gateway.operations.provision_stations import Provisioned, put_station, remove_station
from gateway.store import reports_jobs, reports_stations
from gateway.web.asking import MOST_ITEMS, collection, expect_only, flag_of, json_response, limit_of, object_of
from gateway.web.login import actor_of
from gateway.web.problems import Problem, not_found, unacceptable
from gateway.web.routes import AFTER, LIMIT, SITE, Parameter, Route


async def list_stations(request: web.Request) -> web.StreamResponse:
    """Known stations; on the first page also those that knocked. With knocked=true only the latter."""
    expect_only(request, ("limit", "after", "knocked"))
    site, limit, after = request.app[SITE], limit_of(request), request.query.get("after", "")
    if flag_of(request, "knocked"):
        knocks = await reports_stations.knocks(site.readers, after=after, limit=limit + 1)
        return collection(knocks[:limit], knocks[limit - 1]["station"] if len(knocks) > limit else None)
    found = await describe_stations(site, after=after, limit=limit + 1)
    knocked = [] if after else await reports_stations.knocks(site.readers, limit=MOST_ITEMS)
    return collection(found[:limit], found[limit - 1]["id"] if len(found) > limit else None, knocked=knocked)


async def get_station(request: web.Request) -> web.StreamResponse:
    """One station with its configuration keys."""
    expect_only(request, ())
    station = request.match_info["station"]
    return json_response(await _document(request, station))


async def put(request: web.Request) -> web.StreamResponse:
    """Make, adopt or change a station."""
    expect_only(request, ())
    station = request.match_info["station"]
    outcome = await put_station(request.app[SITE], station, await object_of(request), actor=actor_of(request))
    if not isinstance(outcome, Provisioned):
        raise unacceptable(
            "the station cannot be provisioned like this; nothing was changed",
            [{"field": mistake.field, "detail": mistake.detail} for mistake in outcome],
        )
    await apply_settings(request.app[SITE], station)
    return json_response(await _document(request, station), status=201 if outcome.created else 200)


async def delete(request: web.Request) -> web.StreamResponse:
    """Remove a station that is not in the configuration file."""
    expect_only(request, ())
    station = request.match_info["station"]
    outcome = await remove_station(request.app[SITE], station, actor=actor_of(request))
    if outcome == "unknown":
        raise not_found(f"no station {station!r} is known")
    if outcome == "in_file":
        detail = f"station {station!r} is in the configuration file: take its [[station]] table out there"
        raise Problem(HTTPStatus.CONFLICT, detail)
    return web.Response(status=204)


async def _document(request: web.Request, station: str) -> dict[str, object]:
    document = await describe_station(request.app[SITE], station)
    if document is None:
        raise not_found(f"no station {station!r} is known")
    site = request.app[SITE]
    return {
        **document,
        "expected_remote_starts": await reports_stations.expected_remote_starts(site.readers, station),
        "jobs": await reports_jobs.standing(site.readers, station, now=site.wall_clock()),
        "local_list": await local_list_in_short(site, station),
    }


ROUTES = (
    Route(
        "GET", "/api/v1/stations", list_stations, "viewer", "Stations, and those that knocked without being known",
        parameters=(LIMIT, AFTER, Parameter("knocked", "true: only the identities that knocked", {"type": "boolean"})),
        answers={200: "StationCollection"}, errors=(422,),
    ),
    Route(
        "GET", "/api/v1/stations/{station}", get_station, "viewer", "One station with its configuration keys",
        answers={200: "Station"}, errors=(404,),
    ),
    Route(
        "PUT", "/api/v1/stations/{station}", put, "installer",
        "Provision, adopt or change a station; null resets a field to the file's value",
        request={"application/json": "StationSettings"}, answers={200: "Station", 201: "Station"},
        errors=(400, 413, 422),
    ),
    Route(
        "DELETE", "/api/v1/stations/{station}", delete, "installer", "Remove a station; its transactions stay",
        answers={204: None}, errors=(404, 409),
    ),
)  # fmt: skip
