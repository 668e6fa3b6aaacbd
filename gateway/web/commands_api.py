"""/stations/{station}/commands/{action}: any request of OCPP 1.6 to a station, its payload handed on verbatim.

What the station says comes back as it is; whether it was wise to ask is not judged here.
"""

from __future__ import annotations

from aiohttp import web

from gateway.operations.carry_out_commands import Outcome, carry_out
from gateway.web.asking import expect_only, json_response, object_of
from gateway.web.login import actor_of
from gateway.web.problems import not_found, unacceptable
from gateway.web.routes import SITE, Parameter, Route

STATUS = {"answered": 200, "call_error": 200, "unanswered": 504, "not_connected": 409, "refused": 409}
TAKES = {
    "GetDiagnostics": ("reason",),
    "GetLog": ("reason",),
    "SignedUpdateFirmware": ("image",),
    "UpdateFirmware": ("image",),
}
_MEMBERS = ("response", "code", "description", "request", "warning")


async def post(request: web.Request) -> web.StreamResponse:
    """Send the request and wait for the station's answer."""
    station, action = request.match_info["station"], request.match_info["action"]
    expect_only(request, TAKES.get(action, ()))
    payload = await object_of(request)
    outcome = await carry_out(
        request.app[SITE],
        station=station,
        action=action,
        payload=payload,
        actor=actor_of(request),
        image=request.query.get("image"),
        reason=request.query.get("reason"),
    )
    if outcome.status == "unknown_station":
        raise not_found(f"no station {station!r} is known")
    if outcome.status == "unknown_action":
        raise unacceptable(f"OCPP 1.6 has no request {action!r} to a station")
    if outcome.status == "unknown_image":
        raise not_found(outcome.description or "no such firmware image")
    return json_response(document_of(outcome), status=STATUS[outcome.status])


def document_of(outcome: Outcome) -> dict[str, object]:
    """What became of a command; the members that do not apply are absent."""
    members = {name: getattr(outcome, name) for name in _MEMBERS}
    present = {name: value for name, value in members.items() if value is not None}
    return {"command_id": outcome.command_id, "status": outcome.status, **present}


_IMAGE = Parameter("image", "UpdateFirmware, SignedUpdateFirmware: the image of the store that the station is to load")
_REASON = Parameter("reason", "GetDiagnostics, GetLog: why, in your words; kept with what the station uploads")

ROUTES = (
    Route(
        "POST", "/api/v1/stations/{station}/commands/{action}", post, "operator",
        "Send an OCPP request to the station; the body is its payload, verbatim",
        request={"application/json": {"type": "object", "description": "the OCPP payload"}},
        parameters=(_IMAGE, _REASON),
        answers={200: "CommandOutcome", 409: "CommandOutcome", 504: "CommandOutcome"}, errors=(400, 404, 413, 422),
    ),
)  # fmt: skip
