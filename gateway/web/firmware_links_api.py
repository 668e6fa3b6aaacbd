"""/firmware/images/{image_id}/links and /firmware/links: addresses for single stations, and what was served of them."""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import web

from gateway.model.identities import StationId
from gateway.model.instants import text_of
from gateway.operations.give_links import CannotLink, link_to_image
from gateway.store import reports_links
from gateway.web.asking import collection, expect_only, integer_of, json_response, limit_of, object_of
from gateway.web.login import actor_of
from gateway.web.problems import Problem, not_found, unacceptable
from gateway.web.routes import AFTER, LIMIT, SITE, Parameter, Route


async def post_link(request: web.Request) -> web.StreamResponse:
    """A new address from which one station can fetch the image."""
    expect_only(request, ())
    site, image_id = request.app[SITE], request.match_info["image_id"]
    body = await object_of(request)
    station = body.get("station")
    if not isinstance(station, str) or body.keys() != {"station"}:
        raise unacceptable("expected one member: station, the identity of a station")
    actor = actor_of(request)
    try:
        link = await site.database.write(lambda db: link_to_image(db, site, StationId(station), image_id, actor=actor))
    except CannotLink as error:
        raise (not_found if error.unknown else _conflict)(str(error)) from None
    document = {"link_id": link.link_id, "location": link.location, "expires_at": text_of(link.expires_at)}
    return json_response(document, status=HTTPStatus.CREATED)


async def list_links(request: web.Request) -> web.StreamResponse:
    """What was given and served, newest first."""
    expect_only(request, ("limit", "after", "station", "image", "command"))
    limit = limit_of(request)
    filters = reports_links.LinkFilters(
        station=request.query.get("station"),
        image_id=request.query.get("image"),
        command_id=request.query.get("command"),
    )
    found = await reports_links.page(
        request.app[SITE].readers, filters, before=integer_of(request, "after"), limit=limit + 1
    )
    return collection(found[:limit], found[limit - 1]["link_id"] if len(found) > limit else None)


def _conflict(detail: str) -> Problem:
    return Problem(HTTPStatus.CONFLICT, detail)


ROUTES = (
    Route(
        "POST", "/api/v1/firmware/images/{image_id}/links", post_link, "operator",
        "A new address from which one station can fetch the image",
        request={"application/json": "LinkWish"}, answers={201: "Link"}, errors=(400, 404, 409, 422),
    ),
    Route(
        "GET", "/api/v1/firmware/links", list_links, "viewer",
        "Addresses that stations were given, and what was served of them, newest first",
        parameters=(
            LIMIT, AFTER, Parameter("station", "only this station's"), Parameter("image", "only to this image"),
            Parameter("command", "only the one that was sent with this command"),
        ),
        answers={200: "ServedLinkCollection"}, errors=(422,),
    ),
)  # fmt: skip
