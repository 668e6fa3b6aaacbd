"""/stations/{station}/security: what a station has to prove, and a new password or a higher profile for it."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from gateway.operations.provision_stations import MOST_PASSWORD_BYTES
from gateway.operations.secure_stations import Secured, Wish, describe_security, secure_station
from gateway.web.asking import expect_only, json_response, object_of
from gateway.web.commands_api import STATUS, document_of
from gateway.web.login import actor_of
from gateway.web.problems import not_found, unacceptable
from gateway.web.routes import SITE, Route

_FLAG = "expected true or false"


async def get(request: web.Request) -> web.StreamResponse:
    """Where the station stands."""
    expect_only(request, ())
    return json_response(await _state(request))


async def post(request: web.Request) -> web.StreamResponse:
    """Tell the station its new password, then its new profile, then to reset, as far as each was asked for."""
    expect_only(request, ())
    body = await object_of(request)
    state = await _state(request)
    wish = _wish(body, in_force=int(str(state["security_profile"])))
    station = request.match_info["station"]
    secured = await secure_station(request.app[SITE], station, wish, actor=actor_of(request))
    last = secured.steps[-1][1]
    return json_response(_document(secured, await _state(request)), status=STATUS.get(last.status, 200))


async def _state(request: web.Request) -> dict[str, object]:
    station = request.match_info["station"]
    state = await describe_security(request.app[SITE], station)
    if state is None:
        raise not_found(f"no station {station!r} is known")
    return state


def _wish(body: Mapping[str, object], *, in_force: int) -> Wish:
    mistakes = [(name, "unknown field") for name in body if name not in _CHECKED]
    mistakes += [(name, wrong) for name, wrong in _CHECKED.items() if name in body and not _CHECKS[name](body[name])]
    profile = body.get("security_profile")
    if not mistakes and isinstance(profile, int) and profile <= in_force:
        mistakes.append(("security_profile", f"is {in_force} here; a station is not asked for a lower one, see PUT"))
    if "password" in body and body.get("new_password"):
        mistakes.append(("password", "either a password, or new_password"))
    if not any(body.get(name) not in (None, False) for name in _CHECKED):
        mistakes.append(("new_password", "expected new_password, password, security_profile or reset"))
    if mistakes:
        listed = [{"field": name, "detail": detail} for name, detail in mistakes]
        raise unacceptable("the station was asked nothing", listed)
    password = body.get("password")
    return Wish(
        password=password if isinstance(password, str) else None,
        new_password=body.get("new_password") is True,
        profile=profile if isinstance(profile, int) else None,
        reset=body.get("reset") is True,
    )


def _document(secured: Secured, state: dict[str, object]) -> dict[str, object]:
    steps = [{"action": action, **document_of(outcome)} for action, outcome in secured.steps]
    made = {} if secured.password is None else {"password": secured.password}
    return {"done": secured.done, **made, "steps": steps, "security": state}


_CHECKED = {
    "new_password": _FLAG,
    "password": f"expected text of 1 to {MOST_PASSWORD_BYTES} bytes",
    "security_profile": "expected 1, 2 or 3",
    "reset": _FLAG,
}
_CHECKS = {
    "new_password": lambda value: isinstance(value, bool),
    "password": lambda value: isinstance(value, str) and 0 < len(value.encode()) <= MOST_PASSWORD_BYTES,
    "security_profile": lambda value: value in (1, 2, 3) and not isinstance(value, bool | float),
    "reset": lambda value: isinstance(value, bool),
}

ROUTES = (
    Route(
        "GET", "/api/v1/stations/{station}/security", get, "viewer", "What the station has to prove, what it proved",
        answers={200: "StationSecurity"}, errors=(404,),
    ),
    Route(
        "POST", "/api/v1/stations/{station}/security", post, "installer",
        "Give the station a new password, a higher security profile, a hard reset; step by step while it accepts",
        request={"application/json": "SecurityWish"},
        answers={200: "SecurityOutcome", 409: "SecurityOutcome", 504: "SecurityOutcome"}, errors=(400, 404, 413, 422),
    ),
)  # fmt: skip
