"""The API asked from inside the process: the page's handlers send requests to the same routes as everybody else.

The inner request has the outer one's credentials, peer and origin, so the same guards decide. No socket, no copy of
the rules. Answers that are streamed (feeds) cannot be asked for like this: a page links to them. A download that a
form asks for is handed through to the browser (`hand_through`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.cookies import SimpleCookie

from aiohttp import web
from yarl import URL

from gateway.web.problems import TOLD_AS, problems_only

_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API answered: status, its JSON document (empty for 204), and the cookies it sets."""

    status: int
    document: dict[str, object] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: SimpleCookie = field(default_factory=SimpleCookie)

    @property
    def good(self) -> bool:
        """Whether it was done."""
        return self.status < 400

    @property
    def detail(self) -> str:
        """Why not, in the API's words."""
        return str(self.document.get("detail", ""))

    @property
    def errors(self) -> dict[str, str]:
        """Mistakes by the name of the field."""
        listed = self.document.get("errors")
        if not isinstance(listed, list):
            return {}
        return {str(each.get("field", each.get("line", ""))): str(each.get("detail", "")) for each in listed}


async def ask(
    request: web.Request,
    method: str,
    path: str,
    *,
    query: Mapping[str, object] | None = None,
    body: Mapping[str, object] | bytes | None = None,
    content_type: str = _JSON,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Ask the API. `path` is already encoded; members of `query` that are None are left out."""
    sent = _body(body)
    inner = _inner(request, method, _url(path, query), content_type, sent, headers or {})
    inner._read_bytes = sent
    return await _carried_out(request, inner)


async def hand_through(
    request: web.Request, method: str, path: str, body: Mapping[str, object] | None = None
) -> web.StreamResponse | Answer:
    """Let the API answer the browser by itself (a download that a form asks for); an Answer when it refuses."""
    sent = _body(body)
    inner = _inner(request, method, _url(path, None), _JSON, sent, {})
    inner._read_bytes = sent
    response = await _response_to(request, inner)
    if response.status >= HTTPStatus.BAD_REQUEST:
        return _answer(response)
    return response


async def pass_on(request: web.Request, method: str, path: str, headers: Mapping[str, str] | None = None) -> Answer:
    """Hand the body of this request, as it streams in, to the API (uploads)."""
    kept = {name: value for name, value in request.headers.items() if name.lower() != "accept"}
    inner = request.clone(method=method, rel_url=URL(path, encoded=True), headers={**kept, **(headers or {})})
    return await _carried_out(request, inner)


async def _carried_out(request: web.Request, inner: web.Request) -> Answer:
    return _answer(await _response_to(request, inner))


async def _response_to(request: web.Request, inner: web.Request) -> web.StreamResponse:
    match = await request.app.router.resolve(inner)
    match.add_app(request.app)
    inner._match_info = match  # as the library does with requests that arrive
    inner.pop(TOLD_AS, None)
    return await problems_only(inner, match.handler)


def _inner(
    request: web.Request, method: str, url: URL, content_type: str, body: bytes, more: Mapping[str, str]
) -> web.Request:
    dropped = {"content-length", "content-type", "transfer-encoding", "expect", "content-encoding", "range"}
    kept = {name: value for name, value in request.headers.items() if name.lower() not in dropped}
    headers = {**kept, "Content-Length": str(len(body)), **({"Content-Type": content_type} if body else {}), **more}
    return _cloned(request, method, url, headers)


def _cloned(request: web.Request, method: str, url: URL, headers: Mapping[str, str]) -> web.Request:
    """The library clones only what was not read yet; a form was, and the inner request has a body of its own."""
    read, request._read_bytes = request._read_bytes, None
    try:
        return request.clone(method=method, rel_url=url, headers=headers)
    finally:
        request._read_bytes = read


def _url(path: str, query: Mapping[str, object] | None) -> URL:
    present = {name: _query_text(value) for name, value in (query or {}).items() if value is not None}
    return URL(path, encoded=True).update_query(present)


def _query_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _answer(response: web.StreamResponse) -> Answer:
    if not isinstance(response, web.Response):
        raise TypeError("the API streams this: link to it")
    headers, body = dict(response.headers), response.body
    if not isinstance(body, bytes | bytearray) or not body:
        return Answer(response.status, {}, headers, response.cookies)
    document = json.loads(body) if "json" in response.content_type else {"text": body.decode("utf-8", "replace")}
    members = document if isinstance(document, dict) else {"items": document}
    return Answer(response.status, members, headers, response.cookies)


def _body(body: Mapping[str, object] | bytes | None) -> bytes:
    if body is None:
        return b""
    return body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
