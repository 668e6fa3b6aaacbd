"""Errors of the HTTP API as RFC 9457 documents: type, title, status, detail, and what else helps to mend the request.

Nothing that a handler raises leaves the door in another form; an error of our own is told without its inside.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Handler

from gateway.store.database import StoreUnavailable
from gateway.web.routes import SITE

logger = logging.getLogger(__name__)


class Problem(Exception):
    """The request cannot be done; becomes an application/problem+json answer."""

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        members: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})
        self.members = dict(members or {})


@dataclass(frozen=True, slots=True)
class Telling:
    """How a request wants to be told of problems; without it they are documents."""

    form: Callable[[Problem], web.Response]


TOLD_AS: web.RequestKey[Telling] = web.RequestKey("told as", Telling)


def bad_request(detail: str) -> Problem:
    """400: the request cannot be read."""
    return Problem(HTTPStatus.BAD_REQUEST, detail)


def not_found(detail: str) -> Problem:
    """404: what the path names does not exist."""
    return Problem(HTTPStatus.NOT_FOUND, detail)


def unacceptable(detail: str, errors: Iterable[Mapping[str, object]] = ()) -> Problem:
    """422: the request can be read but not done; `errors` names every single mistake."""
    listed = list(errors)
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail, members={"errors": listed} if listed else {})


def response_of(problem: Problem) -> web.Response:
    """The answer to send. Type about:blank: the status code says all there is of the kind (RFC 9457 4.2)."""
    document = {
        "type": "about:blank",
        "title": problem.status.phrase,
        "status": problem.status.value,
        "detail": problem.detail,
        **problem.members,
    }
    body = json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")
    return web.Response(
        status=problem.status.value, body=body, content_type="application/problem+json", headers=problem.headers
    )


@web.middleware
async def problems_only(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Outermost: whatever goes wrong inside is answered as a problem document, or as the request wants to be told."""
    try:
        return await handler(request)
    except Problem as problem:
        return _told(request, problem)
    except web.HTTPException as refused:
        if refused.status < 400:
            raise
        return _told(request, _of_aiohttp(refused))
    except StoreUnavailable as unavailable:
        detail = f"nothing was changed: the store cannot write ({unavailable})"
        return _told(request, Problem(HTTPStatus.SERVICE_UNAVAILABLE, detail))
    except TimeoutError:
        return _told(request, Problem(HTTPStatus.REQUEST_TIMEOUT, "the request did not arrive in time"))
    except ConnectionError:
        if request.transport is not None and not request.transport.is_closing():
            raise
        return web.Response(status=HTTPStatus.BAD_REQUEST)  # the client went away: nobody reads it, nothing is wrong
    except Exception:
        logger.exception("%s %s failed", request.method, request.rel_url.raw_path)
        request.app[SITE].health.counters.increase("web_errors_total")
        return _told(request, Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "an error of the gateway; its log says more"))


def _told(request: web.Request, problem: Problem) -> web.Response:
    telling = request.get(TOLD_AS)
    return response_of(problem) if telling is None else telling.form(problem)


def _of_aiohttp(refused: web.HTTPException) -> Problem:
    details = {
        404: "there is nothing at this path",
        405: "this path does not know this method",
        413: "the body is larger than allowed",
    }
    allow = {"Allow": refused.headers["Allow"]} if "Allow" in refused.headers else None
    status = HTTPStatus(refused.status)
    return Problem(status, details.get(refused.status, status.phrase), headers=allow)
