"""/firmware/images and /firmware/imports: the store of firmware images, in one go or in pieces.

An upload is written to the disk as it comes. Whatever goes wrong with one in a single request, nothing of it stays; of
one in pieces stays what has arrived.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager
from http import HTTPStatus

from aiohttp import web

from firmware_store.incoming import StoreFull, TooLarge
from firmware_store.manifest import Announced, Mistake, read_manifest
from gateway.operations import import_images, keep_images, look_after_images
from gateway.operations.keep_images import CannotApprove, Taken, room_for_images
from gateway.operations.site import Site
from gateway.store import reports_firmware_images
from gateway.store.firmware_images import STATES, ImageRow
from gateway.web.asking import collection, expect_only, integer_of, json_response, limit_of, object_of
from gateway.web.firmware_forms import read_form
from gateway.web.login import actor_of
from gateway.web.problems import Problem, not_found, unacceptable
from gateway.web.routes import AFTER, LIMIT, SITE, Parameter, Route

SOURCES = ("api", "cli", "usb")

_PIECE_PATIENCE_SECONDS = 60.0
_FORM_BYTES = 256 * 1024  # of a form beside the file


async def list_images(request: web.Request) -> web.StreamResponse:
    """Images, newest first; those that were withdrawn only when asked for."""
    expect_only(request, ("limit", "after", "state", "vendor", "model", "sha256"))
    site, limit, state = request.app[SITE], limit_of(request), request.query.get("state")
    if state is not None and state not in STATES:
        raise unacceptable(f"state: expected {', '.join(STATES[:-1])} or {STATES[-1]}")
    filters = reports_firmware_images.ImageFilters(
        state, request.query.get("vendor"), request.query.get("model"), request.query.get("sha256")
    )
    found = await reports_firmware_images.page(
        site.readers, filters, after=request.query.get("after"), limit=limit + 1, require_verified=_required(site)
    )
    return collection(found[:limit], found[limit - 1]["image_id"] if len(found) > limit else None)


async def get_image(request: web.Request) -> web.StreamResponse:
    """One image, whatever its state."""
    expect_only(request, ())
    site, image_id = request.app[SITE], request.match_info["image_id"]
    found = await reports_firmware_images.single(site.readers, image_id, require_verified=_required(site))
    if found is None:
        raise _no_image(image_id)
    return json_response(found)


async def post_image(request: web.Request) -> web.StreamResponse:
    """Take an image in one request."""
    expect_only(request, ())
    site = request.app[SITE]
    if request.content_type != "multipart/form-data":
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "expected Content-Type multipart/form-data")
    with _trouble_told():
        if request.content_length is not None and request.content_length > _FORM_BYTES:
            room = room_for_images(site)
            await asyncio.to_thread(room.expect, request.content_length - _FORM_BYTES)
        async with import_images.receiving(site) as arriving:
            members, file_name = await read_form(request, arriving)
            announced = _accepted(read_manifest(members, file_name=file_name))
            taken = await import_images.take_received(
                site, arriving, announced, actor=actor_of(request), source=SOURCES[0]
            )
    return _taken(site, taken)


async def delete_image(request: web.Request) -> web.StreamResponse:
    """Withdraw an image: nobody can fetch it from now on."""
    expect_only(request, ())
    image_id = request.match_info["image_id"]
    if await keep_images.withdraw(request.app[SITE], image_id, actor=actor_of(request)) is None:
        raise _no_image(image_id)
    return web.Response(status=HTTPStatus.NO_CONTENT)


async def post_approve(request: web.Request) -> web.StreamResponse:
    """Let stations have an image."""
    expect_only(request, ())
    site, image_id = request.app[SITE], request.match_info["image_id"]
    try:
        row = await keep_images.approve(site, image_id, actor=actor_of(request))
    except CannotApprove as reason:
        raise Problem(HTTPStatus.CONFLICT, str(reason)) from None
    if row is None:
        raise _no_image(image_id)
    return json_response(_document(site, row))


async def post_check(request: web.Request) -> web.StreamResponse:
    """Read the bytes of all images again, now."""
    expect_only(request, ())
    site = request.app[SITE]
    found = await look_after_images.check_images(site)
    removed = await look_after_images.collect_garbage(site)
    await look_after_images.report(site)
    damaged = [{"image_id": image_id, "reason": reason} for image_id, reason in found.damaged.items()]
    return json_response({"whole": found.whole, "healed": found.healed, "damaged": damaged, "removed": removed})


async def post_import(request: web.Request) -> web.StreamResponse:
    """Begin an import in pieces, or go on with it; with bytes that are there already it is an image at once."""
    expect_only(request, ())
    site, members = request.app[SITE], await object_of(request)
    source = members.pop("source", SOURCES[0])
    if source not in SOURCES:
        raise unacceptable(f"source: expected {' or '.join(SOURCES)}")
    announced = _accepted(read_manifest(members), required=("sha256", "size", "file_name"), members=members)
    with _trouble_told():
        begun = await import_images.begin_import(site, announced, actor=actor_of(request), source=str(source))
    return _progress(site, begun, status=HTTPStatus.CREATED)


async def get_import(request: web.Request) -> web.StreamResponse:
    """How far an import in pieces is."""
    expect_only(request, ())
    site, import_id = request.app[SITE], request.match_info["import_id"]
    found = await import_images.find_import(site, import_id)
    if found is None:
        raise _no_import(import_id)
    return _progress(site, found, status=HTTPStatus.OK)


async def put_import(request: web.Request) -> web.StreamResponse:
    """The next bytes of an import; with the last one it becomes an image."""
    expect_only(request, ("offset",))
    site, import_id, offset = request.app[SITE], request.match_info["import_id"], integer_of(request, "offset")
    if offset is None:
        raise unacceptable("offset: missing; it says where in the file the body begins")
    with _trouble_told():
        done = await import_images.append_to_import(
            site, import_id, offset, _pieces_of(request), actor=actor_of(request)
        )
    if done is None:
        raise _no_import(import_id)
    return _progress(site, done, status=HTTPStatus.OK)


async def delete_import(request: web.Request) -> web.StreamResponse:
    """Give an import up."""
    expect_only(request, ())
    import_id = request.match_info["import_id"]
    with _trouble_told():
        if not await import_images.drop_import(request.app[SITE], import_id):
            raise _no_import(import_id)
    return web.Response(status=HTTPStatus.NO_CONTENT)


@contextmanager
def _trouble_told() -> Iterator[None]:
    """413 larger than allowed, 507 no room now, 422 other bytes than announced, 409 not now."""
    try:
        yield
    except TooLarge as reason:
        raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, str(reason)) from None
    except StoreFull as reason:
        raise Problem(HTTPStatus.INSUFFICIENT_STORAGE, str(reason)) from None
    except import_images.WrongBytes as reason:
        raise unacceptable(f"nothing was kept: {reason}") from None
    except import_images.WrongOffset as reason:
        raise Problem(HTTPStatus.CONFLICT, str(reason), members={"received": reason.received}) from None
    except import_images.InUse as reason:
        raise Problem(HTTPStatus.CONFLICT, str(reason)) from None
    except (ConnectionError, TimeoutError):
        raise  # of the client, not of the disk
    except OSError as trouble:
        detail = f"the disk does not take it: {trouble.strerror or trouble}"
        raise Problem(HTTPStatus.INSUFFICIENT_STORAGE, detail) from None


async def _pieces_of(request: web.Request) -> AsyncIterator[bytes]:
    while True:
        async with asyncio.timeout(_PIECE_PATIENCE_SECONDS):
            piece = await request.content.readany()
        if not piece:
            return
        yield piece


def _accepted(
    read: Announced | tuple[Mistake, ...], *, required: Iterable[str] = (), members: dict[str, object] | None = None
) -> Announced:
    mistakes = [] if isinstance(read, Announced) else list(read)
    known = {mistake.field for mistake in mistakes}
    mistakes += [Mistake(name, "missing") for name in required if not (members or {}).get(name) and name not in known]
    if mistakes or not isinstance(read, Announced):
        errors = [{"field": mistake.field, "detail": mistake.detail} for mistake in mistakes]
        raise unacceptable("the description of the image has mistakes; nothing was kept", errors)
    return read


def _taken(site: Site, taken: Taken) -> web.Response:
    return json_response(_document(site, taken.row), status=HTTPStatus.CREATED if taken.new else HTTPStatus.OK)


def _progress(site: Site, done: import_images.Import | Taken, *, status: HTTPStatus) -> web.Response:
    if isinstance(done, Taken):
        row = done.row
        document = {"import_id": row.image_id, "sha256": row.sha256, "size": row.size, "received": row.size}
        status = HTTPStatus.CREATED if done.new else HTTPStatus.OK
        return json_response({**document, "image": _document(site, row)}, status=status)
    document = {"import_id": done.import_id, "sha256": done.sha256, "size": done.size, "received": done.received}
    return json_response({**document, "image": None}, status=status)


def _document(site: Site, row: ImageRow) -> dict[str, object]:
    return reports_firmware_images.document_of(row, require_verified=_required(site))


def _required(site: Site) -> bool:
    return site.configuration.firmware.require_verified


def _no_image(image_id: str) -> Problem:
    return not_found(f"no firmware image {image_id!r} is in the store")


def _no_import(import_id: str) -> Problem:
    return not_found(f"no import {import_id!r} is under way")


_IMAGES, _IMAGE = "/api/v1/firmware/images", "/api/v1/firmware/images/{image_id}"
_IMPORT = "/api/v1/firmware/imports/{import_id}"

ROUTES = (
    Route(
        "GET", _IMAGES, list_images, "viewer", "Firmware images, newest first",
        parameters=(
            LIMIT, AFTER,
            Parameter("state", "only images in this state (default: all but withdrawn)", {"enum": list(STATES)}),
            Parameter("vendor", "only this vendor's"), Parameter("model", "only those for this model"),
            Parameter("sha256", "only those with these bytes"),
        ),
        answers={200: "FirmwareImageCollection"}, errors=(422,),
    ),
    Route(
        "POST", _IMAGES, post_image, "operator", "Take a firmware image into the store",
        request={"multipart/form-data": "FirmwareImageForm"},
        answers={200: "FirmwareImage", 201: "FirmwareImage"}, errors=(400, 408, 413, 415, 422, 507),
    ),
    Route(
        "GET", _IMAGE, get_image, "viewer", "One firmware image",
        answers={200: "FirmwareImage"}, errors=(404,),
    ),
    Route(
        "DELETE", _IMAGE, delete_image, "operator", "Withdraw a firmware image: nobody can fetch it from now on",
        answers={204: None}, errors=(404,),
    ),
    Route(
        "POST", f"{_IMAGE}/approve", post_approve, "operator", "Let stations have a firmware image",
        answers={200: "FirmwareImage"}, errors=(404, 409),
    ),
    Route(
        "POST", "/api/v1/firmware/check", post_check, "operator", "Read the bytes of all firmware images again",
        answers={200: "FirmwareCheck"},
    ),
    Route(
        "POST", "/api/v1/firmware/imports", post_import, "operator",
        "Begin, or go on with, the import of a firmware image in pieces",
        request={"application/json": "FirmwareImportWish"},
        answers={200: "FirmwareImport", 201: "FirmwareImport"}, errors=(400, 413, 422, 507),
    ),
    Route(
        "GET", _IMPORT, get_import, "viewer", "How far the import of a firmware image is",
        answers={200: "FirmwareImport"}, errors=(404,),
    ),
    Route(
        "PUT", _IMPORT, put_import, "operator", "The next bytes of a firmware image",
        parameters=(Parameter("offset", "where in the file the body begins", {"type": "integer", "minimum": 0}),),
        request={"application/octet-stream": {"type": "string", "format": "binary"}},
        answers={200: "FirmwareImport", 201: "FirmwareImport"}, errors=(404, 408, 409, 413, 422, 507),
    ),
    Route(
        "DELETE", _IMPORT, delete_import, "operator", "Give up the import of a firmware image",
        answers={204: None}, errors=(404, 409),
    ),
)  # fmt: skip
