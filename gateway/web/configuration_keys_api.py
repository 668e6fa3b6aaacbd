"""/configuration-keys: the settings of all stations side by side, and one key for many of them."""

from __future__ import annotations

from aiohttp import web

from gateway.operations.apply_key_to_many import apply_key, reason_to_refuse
from gateway.store import reports_configuration_keys
from gateway.web.asking import collection, expect_only, json_response, limit_of, object_of
from gateway.web.login import actor_of
from gateway.web.problems import unacceptable
from gateway.web.routes import AFTER, LIMIT, SITE, Parameter, Route

_FIELDS = ("stations", "key", "value")


async def list_keys(request: web.Request) -> web.StreamResponse:
    """Keys in order, each with what every station told of it."""
    expect_only(request, ("limit", "after", "key", "station"))
    limit = limit_of(request)
    found = await reports_configuration_keys.page(
        request.app[SITE].readers,
        station=request.query.get("station"),
        words=request.query.get("key"),
        after=request.query.get("after", "").casefold(),
        limit=limit + 1,
    )
    return collection(found[:limit], found[limit - 1]["key"] if len(found) > limit else None)


async def post_key(request: web.Request) -> web.StreamResponse:
    """Change one key in many stations; what each of them answers."""
    expect_only(request, ())
    fields = await object_of(request)
    errors = [{"field": name, "detail": "unknown; known are " + ", ".join(_FIELDS)} for name in fields.keys() - _FIELDS]
    stations, key, value = (fields.get(name) for name in _FIELDS)
    ids = [one for one in stations if isinstance(one, str)] if isinstance(stations, list) else []
    if not isinstance(stations, list) or len(ids) < len(stations):
        errors.append({"field": "stations", "detail": "expected a list of station ids"})
    errors += [
        {"field": name, "detail": "expected text"}
        for name, one in (("key", key), ("value", value))
        if not isinstance(one, str)
    ]
    if errors or not isinstance(key, str) or not isinstance(value, str):
        raise unacceptable("the key cannot be applied like this; no station was asked", errors)
    refusal = reason_to_refuse(ids, key, value)
    if refusal is not None:
        raise unacceptable(f"{refusal}; no station was asked")
    results = await apply_key(request.app[SITE], ids, key=key, value=value, actor=actor_of(request))
    return json_response({"key": key, "items": results})


ROUTES = (
    Route(
        "GET", "/api/v1/configuration-keys", list_keys, "viewer",
        "Configuration keys of all stations side by side, secrets masked",
        parameters=(
            LIMIT, AFTER, Parameter("key", "only keys with these letters"),
            Parameter("station", "only the keys of this station, and its values alone"),
        ),
        answers={200: "KeyOfStationsCollection"}, errors=(422,),
    ),
    Route(
        "POST", "/api/v1/configuration-keys/apply", post_key, "installer",
        "Change one configuration key in many stations, ten at a time; each one's answer",
        request={"application/json": "KeyForStations"}, answers={200: "KeyApplied"}, errors=(400, 413, 422),
    ),
)  # fmt: skip
