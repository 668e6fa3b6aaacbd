"""Between a browser and a screen: who may see it, what a problem looks like, and what a browser may do with the page.

Nobody who is not logged in sees more than the login. Problems are pages with a next step, in the reader's language.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from http import HTTPStatus
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from aiohttp import web
from jinja2 import Environment

from gateway.model.instants import datetime_of
from gateway.pages.formats import Formats
from gateway.pages.table import Page
from gateway.pages.visit import NOTICE_COOKIE, Visit
from gateway.pages.words import language_wanted, locale_wanted, texts_of
from gateway.web.login import Person, allows, expect_own_page, person_of
from gateway.web.problems import TOLD_AS, Problem, Telling
from gateway.web.routes import SITE

LANGUAGE_COOKIE = "ocppgw_language"
THEME_COOKIE = "ocppgw_theme"
THEMES = ("auto", "light", "dark")
LOGIN = "/login"
LIVE_PREFIX = "/live"

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def opened(
    page: Page, environments: Mapping[str, Environment]
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """The page's handler, reached only by those who may; everybody else comes to the login or is told."""

    async def handler(request: web.Request) -> web.StreamResponse:
        visit = await visit_of(request, await person_of(request), environments, live=page.pieces is not None)
        request[TOLD_AS] = Telling(lambda problem: _problem_page(visit, problem))
        if not allows(visit.person, page.access):
            return _with_headers(request, _turned_away(visit, page))
        if page.method != "GET":
            expect_own_page(request)
        response = await page.shown(visit)
        return _with_headers(request, response)

    return handler


async def visit_of(
    request: web.Request, person: Person | None, environments: Mapping[str, Environment], *, live: bool = False
) -> Visit:
    """The visit that a request is; `live`: the page has a stream. The first of a language has its catalog read."""
    accepted = request.headers.get("Accept-Language", "")
    language = language_wanted(request.cookies.get(LANGUAGE_COOKIE), accepted)
    site = request.app[SITE]
    theme = request.cookies.get(THEME_COOKIE, "auto")
    return Visit(
        request=request,
        person=person,
        language=language,
        texts=await asyncio.to_thread(texts_of, language),  # a tenth of a second, once
        formats=Formats(
            locale=locale_wanted(language, accepted),
            zone=_zone(site.configuration.site.timezone),
            now=datetime_of(site.wall_clock()),
        ),
        theme=theme if theme in THEMES else "auto",
        environment=environments[language],
        live=f"{LIVE_PREFIX}{request.rel_url}" if live else "",
        site_name=site.configuration.site.name or site.configuration.site.id,
    )


def safe_way_back(path: str) -> str:
    """Where to go after the login: only ever a path of this page (nothing a browser could take for another host)."""
    plain = path.startswith("/") and not path.startswith("//") and path.isprintable() and "\\" not in path
    return path if plain else "/"


def _turned_away(visit: Visit, page: Page) -> web.StreamResponse:
    if visit.person is not None:
        needed = visit.gettext(str(page.access))
        detail = visit.gettext("This needs the role %(role)s. An installer can give it to you.", role=needed)
        raise Problem(HTTPStatus.FORBIDDEN, detail)
    way = str(visit.request.rel_url) if page.method == "GET" and not visit.in_part else _page_of_the_form(visit.request)
    to = LOGIN if way == "/" else f"{LOGIN}?next={quote(way, safe='')}"
    if visit.in_part:  # the whole page goes to the login, not a part of it
        return web.Response(status=HTTPStatus.UNAUTHORIZED, headers={"HX-Redirect": to})
    return web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": to})


def _page_of_the_form(request: web.Request) -> str:
    """Where the form is that was sent too late: what was typed is put into it again after the login (kept.js)."""
    try:
        came_from = urlsplit(request.headers.get("Referer", ""))
    except ValueError:
        return "/"
    if came_from.netloc != request.host or came_from.path == LOGIN:
        return "/"
    return safe_way_back(came_from.path + (f"?{came_from.query}" if came_from.query else ""))


def _problem_page(visit: Visit, problem: Problem) -> web.Response:
    visit = replace(visit, live="")  # there is nothing of the page that could be kept up to date
    template = "problem_part.html" if visit.in_part else "problem.html"
    response = visit.page(template, {"problem": problem}, status=problem.status.value)
    response.headers.update(problem.headers)
    _with_headers(visit.request, response)
    return response


def _with_headers(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    if response.prepared:  # a stream, which has sent them itself
        return response
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    if NOTICE_COOKIE in request.cookies and response.status == HTTPStatus.OK and NOTICE_COOKIE not in response.cookies:
        response.del_cookie(NOTICE_COOKIE, path="/")
    if isinstance(response, web.Response) and response.content_type.startswith("text/"):
        response.enable_compression()
    return response


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
