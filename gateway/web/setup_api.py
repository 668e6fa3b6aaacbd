"""/setup, /time-zones, /serial-ports, /meters/models, /meters/try: what the first steps of a site need."""

from __future__ import annotations

import asyncio
import zoneinfo
from http import HTTPStatus

from aiohttp import web

from gateway.operations.decide_site import NobodyReloads, NotDecided, decide
from gateway.operations.reload_configuration import Taken
from gateway.operations.serial_ports import serial_ports
from gateway.operations.setup_state import setup_document
from gateway.operations.try_meter import CannotTry, Mistaken, models, try_meter
from gateway.web.asking import collection, expect_only, json_response, object_of
from gateway.web.login import actor_of
from gateway.web.problems import Problem, unacceptable
from gateway.web.routes import SITE, Route

_STATUS = {
    "in_use": HTTPStatus.CONFLICT,
    "late": HTTPStatus.GATEWAY_TIMEOUT,
    "unread": HTTPStatus.UNPROCESSABLE_ENTITY,
}
# files of tzdata that name no place
_NO_ZONES = {"Factory", "localtime"}


async def get_setup(request: web.Request) -> web.StreamResponse:
    """What is decided and by whom, where stations connect, who knocked, what is still to do."""
    expect_only(request, ())
    return json_response(await setup_document(request.app[SITE]))


async def put_setup(request: web.Request) -> web.StreamResponse:
    """202: the gateway begins anew in a moment; 200: nothing is different; 409: fixed in a file; 422: every mistake."""
    expect_only(request, ())
    site, wishes = request.app[SITE], await object_of(request)
    try:
        outcome = await decide(site, wishes, actor=actor_of(request))
    except NobodyReloads:
        raise Problem(HTTPStatus.CONFLICT, "this gateway has no files to read again") from None
    except NotDecided as refused:
        errors = [{"field": one.field, "detail": one.detail} for one in refused.refusals]
        if refused.is_fixed:
            detail = "a file in /etc says otherwise, and it wins: change it there; nothing was changed"
            raise Problem(HTTPStatus.CONFLICT, detail, members={"errors": errors}) from None
        raise unacceptable("the site cannot be set up like this; nothing was changed", errors) from None
    except OSError as error:
        detail = f"nothing was changed: site.toml cannot be written ({error.strerror})"
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, detail) from None
    taken = isinstance(outcome, Taken)
    document = {
        "status": "taken" if taken else "unchanged",
        "taken": site.reloads.taken,
        "detail": "the gateway begins anew in a moment, and stations reconnect" if taken else "it was so before",
    }
    return json_response(document, status=202 if taken else 200)


async def list_time_zones(request: web.Request) -> web.StreamResponse:
    """Every time zone that this machine knows; without Debian's tzdata UTC alone."""
    expect_only(request, ())
    known = await asyncio.to_thread(zoneinfo.available_timezones)
    return collection(sorted({"UTC", *known} - _NO_ZONES), None)


async def list_serial_ports(request: web.Request) -> web.StreamResponse:
    """Serial lines that are there now."""
    expect_only(request, ())
    return collection(await asyncio.to_thread(serial_ports, request.app[SITE].configuration), None)


async def list_meter_models(request: web.Request) -> web.StreamResponse:
    """Every model of meter that the gateway can read."""
    expect_only(request, ())
    return collection(models(), None)


async def post_meter_try(request: web.Request) -> web.StreamResponse:
    """One reading of a meter that is not configured."""
    expect_only(request, ())
    try:
        return json_response(await try_meter(request.app[SITE], await object_of(request)))
    except Mistaken as mistaken:
        errors = [{"field": field, "detail": detail} for field, detail in mistaken.errors]
        raise unacceptable("no meter can be read like this", errors) from None
    except CannotTry as reason:
        raise Problem(_STATUS[reason.why], str(reason)) from None


ROUTES = (
    Route(
        "GET", "/api/v1/setup", get_setup, "viewer", "How far the site is set up, and what is still to do",
        answers={200: "Setup"},
    ),
    Route(
        "PUT", "/api/v1/setup", put_setup, "installer",
        "Decide on the site, its main circuit, meters and circuits; what is good is taken, and stations reconnect",
        request={"application/json": "SetupWishes"}, answers={200: "SetupTaken", 202: "SetupTaken"},
        errors=(400, 409, 413, 422, 503),
    ),
    Route(
        "GET", "/api/v1/time-zones", list_time_zones, "viewer", "Time zones that this machine knows",
        answers={200: "TimeZoneCollection"},
    ),
    Route(
        "GET", "/api/v1/serial-ports", list_serial_ports, "installer", "Serial lines of this machine",
        answers={200: "SerialPortCollection"},
    ),
    Route(
        "GET", "/api/v1/meters/models", list_meter_models, "viewer", "Models of meters, and how each is reached",
        answers={200: "MeterModelCollection"},
    ),
    Route(
        "POST", "/api/v1/meters/try", post_meter_try, "installer", "Read a meter once without configuring it",
        request={"application/json": "MeterWish"}, answers={200: "TriedMeter"},
        errors=(400, 409, 413, 422, 504),
    ),
)  # fmt: skip
