"""A form as a browser sends it, read strictly in size and leniently in content: what is no text is an odd text.

Anybody may send a form to the login, so that a form which takes long to read is refused unread. Which fields a form has
is not known here; a form with a file is read by `uploaded_form`, or is handed on to the API as it comes in.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import parse_qsl

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_request import FileField

from gateway.web.problems import Problem, bad_request

MOST_FORM_BYTES = 512 * 1024
MOST_FIELDS = 5000

# secrets count as they were typed, with the blanks around them, as they do in the API: stripped, they would be others;
# `value` is that of a configuration key, which may be one
_AS_TYPED = frozenset({"password", "own_password", "old", "new", "again", "passphrase", "value"})
_URLENCODED = "application/x-www-form-urlencoded"
_PATIENCE_SECONDS = 60.0


async def fields_of_form(request: web.Request) -> list[tuple[str, str]]:
    """Every field in the order of the form, without the blanks around it unless it may be a secret.

    A body that is no form has none. Raises Problem: 413 for more than MOST_FORM_BYTES or MOST_FIELDS, 408 when it does
    not arrive in time, 411 for a length that is not told (a browser tells it).
    """
    if request.body_exists and request.content_length is None:
        raise Problem(HTTPStatus.LENGTH_REQUIRED, "the form does not tell its length")
    if request.content_type != _URLENCODED:
        return []
    if (request.content_length or 0) > MOST_FORM_BYTES:
        raise _too_large()
    async with asyncio.timeout(_PATIENCE_SECONDS):
        body = await request.read()
    if len(body) > MOST_FORM_BYTES or body.count(b"&") >= MOST_FIELDS:  # it may have come compressed
        raise _too_large()
    fields = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, errors="replace")
    return [(name, value if name in _AS_TYPED else value.strip()) for name, value in fields]


async def uploaded_form(request: web.Request) -> Mapping[str, str | bytearray | FileField | bytes]:
    """The fields of a form with a file. Raises Problem: 400 for what is no form, 408 as above, 413 by the library."""
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            return await request.post()
    except (ValueError, LookupError, AssertionError, RuntimeError, EOFError, HttpProcessingError):
        raise bad_request("the body is not the form that its headers announce") from None


def _too_large() -> Problem:
    return Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the form is larger than allowed")
