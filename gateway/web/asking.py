"""What a request asks: query parameters and bodies, read strictly, every mistake told as a problem.

Numbers in JSON are kept as written where Python can (6.0 stays 6.0); what JSON does not have (NaN, 1e999) is refused.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterable, Sequence
from http import HTTPStatus

from aiohttp import web

from gateway.model.instant_text import instant_from_text
from gateway.model.instants import Instant
from gateway.web.problems import Problem, bad_request, unacceptable

DEFAULT_LIMIT = 100
MOST_ITEMS = 1000
MOST_POINTS = 2000
MOST_BODY_BYTES = 16 * 1024 * 1024

_BODY_PATIENCE_SECONDS = 60.0
# An unencoded + of a zone (2027-01-01T00:00:00+02:00) arrives as a blank.
_LOST_PLUS = re.compile(r" (\d\d:?\d\d)$")


def expect_only(request: web.Request, known: Iterable[str]) -> None:
    """422 when the query has a parameter that this path does not know: a misspelt filter must not show everything."""
    names = list(known)
    unknown = [name for name in request.query if name not in names]
    if unknown:
        known_text = f"known are {', '.join(names)}" if names else "this path takes none"
        raise unacceptable(
            "unknown query parameters", [{"field": name, "detail": f"unknown; {known_text}"} for name in unknown]
        )


def limit_of(request: web.Request) -> int:
    """The page size asked for."""
    limit = integer_of(request, "limit")
    if limit is None:
        return DEFAULT_LIMIT
    if not 1 <= limit <= MOST_ITEMS:
        raise unacceptable(f"limit: expected a whole number from 1 to {MOST_ITEMS}")
    return limit


def points_of(request: web.Request, *, default: int) -> int:
    """How many points of a chart are asked for."""
    points = integer_of(request, "points")
    if points is None:
        return default
    if not 2 <= points <= MOST_POINTS:
        raise unacceptable(f"points: expected a whole number from 2 to {MOST_POINTS}")
    return points


def integer_of(request: web.Request, name: str) -> int | None:
    """A whole number of the query, or None."""
    text = request.query.get(name)
    if text is None:
        return None
    if not re.fullmatch(r"-?[0-9]{1,18}", text):
        raise unacceptable(f"{name}: expected a whole number")
    return int(text)


def flag_of(request: web.Request, name: str) -> bool | None:
    """true or false of the query, or None."""
    text = request.query.get(name)
    if text is None:
        return None
    if text.lower() not in ("true", "false", "1", "0"):
        raise unacceptable(f"{name}: expected true or false")
    return text.lower() in ("true", "1")


def instant_of(request: web.Request, name: str) -> Instant | None:
    """A time of the query, or None."""
    text = request.query.get(name)
    if text is None:
        return None
    instant = instant_from_text(_LOST_PLUS.sub(r"+\1", text) if "T" in text.upper() else text)
    if instant is None:
        raise unacceptable(f"{name}: expected a time such as 2027-01-31T12:00:00Z, or a date")
    return instant


def path_number(request: web.Request, name: str) -> int | None:
    """A whole number of the path; None when it is none, so that nothing can be found there."""
    text = request.match_info[name]
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else None


async def body_of(request: web.Request) -> bytes:
    """The body, at most MOST_BODY_BYTES (413), within a minute (408)."""
    async with asyncio.timeout(_BODY_PATIENCE_SECONDS):
        return await request.read()


async def object_of(request: web.Request) -> dict[str, object]:
    """The body as a JSON object; an absent body is an empty one. 400 when not JSON, 422 when not an object."""
    body = await body_of(request)
    if not body.strip():
        return {}
    try:
        value = json.loads(body.decode("utf-8"), parse_constant=_no_such_number, parse_float=_finite)
        if b"\\u" in body:
            json.dumps(value, ensure_ascii=False).encode("utf-8")  # half a surrogate pair is no text
    except (ValueError, RecursionError) as error:
        raise bad_request(f"the body is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise unacceptable("expected a JSON object")
    return value


def require(condition: bool, detail: str) -> None:
    """422 with `detail` unless the condition holds."""
    if not condition:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail)


def json_response(document: object, *, status: int = 200) -> web.Response:
    """A JSON answer in UTF-8."""
    body = json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")
    return web.Response(status=status, body=body, content_type="application/json", charset="utf-8")


async def large_collection(items: Sequence[object], next_cursor: object) -> web.Response:
    """A page of items that may be large: written in a thread, item by item, so that stations are answered meanwhile."""

    def written() -> bytes:
        texts = ", ".join(json.dumps(item, ensure_ascii=False) for item in items)
        cursor = "null" if next_cursor is None else f'"{next_cursor}"'
        return f'{{"items": [{texts}], "next": {cursor}}}'.encode("utf-8", "replace")

    body = await asyncio.to_thread(written)
    return web.Response(body=body, content_type="application/json", charset="utf-8")


def collection(items: Sequence[object], next_cursor: object, **members: object) -> web.Response:
    """A page: `next` is null when this was the last one."""
    cursor = None if next_cursor is None else str(next_cursor)
    return json_response({"items": list(items), "next": cursor, **members})


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"the number {text[:20]} is too large")
    return number


def _no_such_number(text: str) -> object:
    raise ValueError(f"{text} is not JSON")
