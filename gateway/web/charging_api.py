"""/charging-profiles and /stations/{station}/composite-schedule: what the gateway believes limits charging.

What the station itself answers to GetCompositeSchedule is shown beside our own calculation, and changes nothing in it.
"""

from __future__ import annotations

from aiohttp import web

from gateway.model.charging_profiles import Unit
from gateway.operations.describe_profiles import describe_composite_schedule, describe_profiles
from gateway.web.asking import collection, expect_only, integer_of, json_response, limit_of, require
from gateway.web.problems import not_found
from gateway.web.routes import AFTER, LIMIT, SITE, Parameter, Route

_USUAL_SECONDS = 86_400
_LONGEST_SECONDS = 31 * 86_400


async def list_profiles(request: web.Request) -> web.StreamResponse:
    """Profiles in force, by station; on the first page also what is uncertain."""
    expect_only(request, ("station", "limit", "after"))
    limit, skipped = limit_of(request), integer_of(request, "after") or 0
    require(skipped >= 0, "after: expected the `next` of the page before")
    found, uncertain, unverified = await describe_profiles(request.app[SITE], request.query.get("station"))
    page = found[skipped : skipped + limit]
    following = skipped + limit if len(found) > skipped + limit else None
    first = {} if skipped else {"uncertain": uncertain, "unverified": unverified}
    return collection(page, following, **first)


async def get_composite_schedule(request: web.Request) -> web.StreamResponse:
    """The gateway's own calculation, from now on."""
    expect_only(request, ("connector", "duration", "unit"))
    station, unit = request.match_info["station"], request.query.get("unit", "A")
    connector, duration = integer_of(request, "connector") or 0, integer_of(request, "duration")
    seconds = _USUAL_SECONDS if duration is None else duration
    require(connector >= 0, "connector: expected 0 (the whole station) or more")
    require(0 < seconds <= _LONGEST_SECONDS, f"duration: expected 1 to {_LONGEST_SECONDS} seconds")
    require(unit in ("A", "W"), "unit: expected A or W")
    known: Unit = "W" if unit == "W" else "A"
    document = await describe_composite_schedule(
        request.app[SITE], station, connector=connector, duration_seconds=seconds, unit=known
    )
    if document is None:
        raise not_found(f"no station {station!r} is known")
    return json_response(document)


ROUTES = (
    Route(
        "GET", "/api/v1/charging-profiles", list_profiles, "viewer", "Charging profiles that are in force",
        parameters=(Parameter("station", "only of this station"), LIMIT, AFTER),
        answers={200: "ChargingProfileCollection"}, errors=(422,),
    ),
    Route(
        "GET", "/api/v1/stations/{station}/composite-schedule", get_composite_schedule, "viewer",
        "What a connector may draw from now on under the profiles in force, as the gateway calculates it",
        parameters=(
            Parameter("connector", "0, the default: the whole station", {"type": "integer", "minimum": 0}),
            Parameter(
                "duration", "seconds", {"type": "integer", "minimum": 1, "maximum": _LONGEST_SECONDS, "default": 86_400}
            ),
            Parameter("unit", "A per phase, or W in total", {"enum": ["A", "W"], "default": "A"}),
        ),
        answers={200: "CompositeSchedule"}, errors=(404, 422),
    ),
)  # fmt: skip
