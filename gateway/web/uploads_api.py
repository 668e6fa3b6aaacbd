"""/uploads and /stations/{station}/diagnostics: what stations uploaded, and asking them for more.

Files go out as they came: as attachments that no browser looks into.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import cast

from aiohttp import web

from gateway.model.identities import StationId
from gateway.model.instant_text import instant_from_text
from gateway.model.instants import Instant
from gateway.operations.ask_for_diagnostics import LOG_TYPES, CannotAsk, ask_for_diagnostics
from gateway.operations.forward_again import CannotForward, forward_again
from gateway.operations.keep_uploads import delete_upload, path_of
from gateway.store import reports_uploads
from gateway.web.asking import collection, expect_only, integer_of, json_response, limit_of, object_of, path_number
from gateway.web.commands_api import STATUS, document_of
from gateway.web.login import actor_of
from gateway.web.problems import Problem, not_found, unacceptable
from gateway.web.routes import AFTER, LIMIT, SITE, Parameter, Route

KINDS = ("diagnostics", "log")
_LONGEST_REASON = 500
_MEMBERS = ("log", "from", "to", "reason")
_BYTES = "application/octet-stream"


async def list_uploads(request: web.Request) -> web.StreamResponse:
    """Uploads, newest first."""
    expect_only(request, ("limit", "after", "station", "kind", "command"))
    limit, kind = limit_of(request), request.query.get("kind")
    if kind is not None and kind not in KINDS:
        raise unacceptable("kind: expected diagnostics or log")
    filters = reports_uploads.UploadFilters(request.query.get("station"), kind, request.query.get("command"))
    readers = request.app[SITE].readers
    found = await reports_uploads.page(readers, filters, before=integer_of(request, "after"), limit=limit + 1)
    return collection(found[:limit], found[limit - 1]["upload_id"] if len(found) > limit else None)


async def get_upload(request: web.Request) -> web.StreamResponse:
    """One upload."""
    expect_only(request, ())
    return json_response(await _upload(request))


async def get_file(request: web.Request) -> web.StreamResponse:
    """Its bytes; parts of them by Range."""
    expect_only(request, ())
    upload = await _upload(request)
    path = path_of(request.app[SITE], cast(int, upload["upload_id"]))
    if not await asyncio.to_thread(path.is_file):
        raise Problem(HTTPStatus.GONE, "the file is not on the disk any more")
    return web.FileResponse(path, chunk_size=64 * 1024, headers=_headers(upload))


async def delete(request: web.Request) -> web.StreamResponse:
    """Delete an upload and its file."""
    expect_only(request, ())
    upload_id = path_number(request, "upload_id")
    if upload_id is None or not await delete_upload(request.app[SITE], upload_id, actor=actor_of(request)):
        raise _no_such_upload(request)
    return web.Response(status=HTTPStatus.NO_CONTENT)


async def post_forward(request: web.Request) -> web.StreamResponse:
    """Forward it to the fleet manager, now or again."""
    expect_only(request, ())
    upload = await _upload(request)
    try:
        await forward_again(request.app[SITE], cast(int, upload["upload_id"]))
    except CannotForward as error:
        raise Problem(HTTPStatus.CONFLICT, str(error)) from None
    return json_response(await _upload(request))


async def post_diagnostics(request: web.Request) -> web.StreamResponse:
    """Ask a station for diagnostics or its security log, by the request that it knows; wait for its answer."""
    expect_only(request, ())
    body = await object_of(request)
    unknown = body.keys() - set(_MEMBERS)
    if unknown:
        raise unacceptable(f"unknown members {', '.join(sorted(unknown))}: known are {', '.join(_MEMBERS)}")
    log_type, reason = body.get("log", "diagnostics"), body.get("reason")
    if log_type not in LOG_TYPES:
        raise unacceptable("log: expected diagnostics or security")
    if reason is not None and (not isinstance(reason, str) or len(reason) > _LONGEST_REASON):
        raise unacceptable(f"reason: expected a text of at most {_LONGEST_REASON} characters")
    station = request.match_info["station"]
    try:
        outcome = await ask_for_diagnostics(
            request.app[SITE],
            StationId(station),
            log_type=log_type,
            since=_time(body, "from"),
            until=_time(body, "to"),
            reason=reason or None,
            actor=actor_of(request),
        )
    except CannotAsk as error:
        raise Problem(HTTPStatus.CONFLICT, str(error)) from None
    if outcome.status == "unknown_station":
        raise not_found(f"no station {station!r} is known")
    return json_response(document_of(outcome), status=STATUS[outcome.status])


async def _upload(request: web.Request) -> dict[str, object]:
    upload_id = path_number(request, "upload_id")
    found = None if upload_id is None else await reports_uploads.find(request.app[SITE].readers, upload_id)
    if found is None:
        raise _no_such_upload(request)
    return found


def _headers(upload: Mapping[str, object]) -> dict[str, str]:
    return {
        "Content-Type": _BYTES,
        "Content-Disposition": f'attachment; filename="{Path(str(upload["file_name"])).name}"',
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Cache-Control": "no-store",
    }


def _time(body: Mapping[str, object], name: str) -> Instant | None:
    value = body.get(name)
    if value is None:
        return None
    instant = instant_from_text(value) if isinstance(value, str) else None
    if instant is None:
        raise unacceptable(f"{name}: expected a time such as 2027-01-31T12:00:00Z, or a date")
    return instant


def _no_such_upload(request: web.Request) -> Problem:
    return not_found(f"there is no upload {request.match_info['upload_id']}")


ROUTES = (
    Route(
        "GET", "/api/v1/uploads", list_uploads, "viewer", "What stations uploaded, newest first",
        parameters=(
            LIMIT, AFTER, Parameter("station", "only this station's"),
            Parameter("kind", "only of this kind", {"enum": list(KINDS)}),
            Parameter("command", "only what came of this command"),
        ),
        answers={200: "UploadCollection"}, errors=(422,),
    ),
    Route(
        "GET", "/api/v1/uploads/{upload_id}", get_upload, "viewer", "One upload",
        answers={200: "Upload"}, errors=(404,),
    ),
    Route(
        "GET", "/api/v1/uploads/{upload_id}/file", get_file, "viewer", "The file of an upload; Range is understood",
        answers={200: {_BYTES: {"type": "string", "format": "binary"}}}, errors=(404, 410),
    ),
    Route(
        "DELETE", "/api/v1/uploads/{upload_id}", delete, "operator", "Delete an upload and its file",
        answers={204: None}, errors=(404,),
    ),
    Route(
        "POST", "/api/v1/uploads/{upload_id}/forward", post_forward, "operator",
        "Forward an upload to the fleet manager, now or again", answers={200: "Upload"}, errors=(404, 409),
    ),
    Route(
        "POST", "/api/v1/stations/{station}/diagnostics", post_diagnostics, "operator",
        "Ask the station for its diagnostics or its security log, by the request that it knows",
        request={"application/json": "DiagnosticsWish"},
        answers={200: "CommandOutcome", 409: "CommandOutcome", 504: "CommandOutcome"}, errors=(400, 404, 422),
    ),
)  # fmt: skip
