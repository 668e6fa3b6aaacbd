"""/reload: have the configuration's files read again. What follows is decided by whoever holds them."""

from __future__ import annotations

import logging
from http import HTTPStatus

from aiohttp import web

from gateway.operations.reload_configuration import Taken, Unchanged, Wrong
from gateway.web.asking import expect_only, json_response
from gateway.web.login import actor_of
from gateway.web.problems import Problem, unacceptable
from gateway.web.routes import SITE, Route

logger = logging.getLogger(__name__)


async def post_reload(request: web.Request) -> web.StreamResponse:
    """200: nothing has changed; 202: the gateway begins anew in a moment; 422: every mistake, nothing was changed."""
    expect_only(request, ())
    reloads = request.app[SITE].reloads
    if reloads.reload is None:
        raise Problem(HTTPStatus.CONFLICT, "this gateway has no files to read again")
    logger.info("the configuration is read again for %s", actor_of(request))
    match await reloads.reload():
        case Wrong(mistakes):
            raise unacceptable(
                "the configuration holds mistakes, the one before stays in force",
                [{"detail": str(mistake)} for mistake in mistakes],
            )
        case Unchanged():
            return json_response({"status": "unchanged", "taken": reloads.taken, "failed": None})
        case Taken():
            return json_response({"status": "taken", "taken": reloads.taken, "failed": None}, status=202)


async def get_reload(request: web.Request) -> web.StreamResponse:
    """How often the gateway began anew in this process, and whether the last time was in vain."""
    expect_only(request, ())
    reloads = request.app[SITE].reloads
    return json_response({"status": "serving", "taken": reloads.taken, "failed": reloads.failed})


ROUTES = (
    Route(
        "GET", "/api/v1/reload", get_reload, "viewer", "How the newest change of the configuration went",
        answers={200: "Reload"},
    ),
    Route(
        "POST", "/api/v1/reload", post_reload, "installer",
        "Read the configuration's files again; a good one is taken, with mistakes the one before stays",
        answers={200: "Reload", 202: "Reload"}, errors=(409, 422),
    ),
)  # fmt: skip
