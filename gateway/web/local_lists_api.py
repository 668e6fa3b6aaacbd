"""/stations/{station}/local-list: the list of tags in a station, and bringing the site's list there."""

from __future__ import annotations

from typing import cast

from aiohttp import web

from gateway.model.local_lists import UpdateType
from gateway.operations.describe_local_lists import describe_local_list
from gateway.operations.send_local_lists import Sending, send_local_list
from gateway.web.asking import expect_only, json_response, object_of
from gateway.web.login import actor_of
from gateway.web.problems import not_found, unacceptable
from gateway.web.routes import SITE, Route

_PATH = "/api/v1/stations/{station}/local-list"
_TYPES = ("Full", "Differential")
_STATUS = {"unanswered": 504, "not_connected": 409, "refused": 409}
_MEMBERS = ("fell_back", "code", "description", "warning")


async def get(request: web.Request) -> web.StreamResponse:
    """What is known of the list in the station."""
    expect_only(request, ())
    station = request.match_info["station"]
    document = await describe_local_list(request.app[SITE], station)
    if document is None:
        raise not_found(f"no station {station!r} is known")
    return json_response(document)


async def post(request: web.Request) -> web.StreamResponse:
    """Send the site's list, all of it or what changed, and wait until the station has it or said no."""
    expect_only(request, ())
    station, update_type = request.match_info["station"], _update_type(await object_of(request))
    sending = await send_local_list(request.app[SITE], station, update_type, actor_of(request))
    if sending.status == "unknown_station":
        raise not_found(f"no station {station!r} is known")
    return json_response(_document(sending, update_type), status=_STATUS.get(sending.status, 200))


def _update_type(body: dict[str, object]) -> UpdateType:
    unknown = [{"field": name, "detail": "unknown; known is update_type"} for name in body if name != "update_type"]
    if unknown:
        raise unacceptable("the body has fields that are not known; nothing was sent", unknown)
    if body.get("update_type") not in _TYPES:
        mistake = {"field": "update_type", "detail": "expected Full or Differential"}
        raise unacceptable("update_type: expected Full or Differential", [mistake])
    return cast(UpdateType, body["update_type"])


def _document(sending: Sending, asked: UpdateType) -> dict[str, object]:
    present = {name: getattr(sending, name) for name in _MEMBERS if getattr(sending, name) is not None}
    return {
        "station": sending.station,
        "status": sending.status,
        "version": sending.version,
        "update_type": asked,
        "requests": [
            {
                "update_type": part.update_type,
                "version": part.version,
                "entries": part.entries,
                "status": part.status,
            }
            for part in sending.parts
        ],
        "left_out_count": sending.left_out,
        **present,
    }


ROUTES = (
    Route(
        "GET", _PATH, get, "viewer", "The list of tags in a station, and whether it is up to date",
        answers={200: "LocalList"}, errors=(404,),
    ),
    Route(
        "POST", _PATH, post, "operator", "Send the site's list of tags to the station, or what changed of it",
        request={"application/json": "LocalListOrder"},
        answers={200: "LocalListOutcome", 409: "LocalListOutcome", 504: "LocalListOutcome"},
        errors=(400, 404, 413, 422),
    ),
)  # fmt: skip
