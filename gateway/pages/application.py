"""The page's address book: every screen of PAGES, its stream, the static files, and what stands at no address."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus

from aiohttp import web
from jinja2 import Environment

from gateway.pages import campaign_form, campaigns, firmware, firmware_upload, live, overview
from gateway.pages.guard import LIVE_PREFIX, opened
from gateway.pages.rendering import make_environment
from gateway.pages.static_files import PREFIX as STATIC_PREFIX
from gateway.pages.static_files import read_static_files
from gateway.pages.table import Page
from gateway.pages.visit import Visit
from gateway.web.problems import Problem

PAGES: tuple[Page, ...] = (
    *overview.PAGES,
    *firmware.PAGES,
    *firmware_upload.PAGES,
    *campaign_form.PAGES,
    *campaigns.PAGES,
)


def add_pages(application: web.Application) -> None:
    """Let the application serve the page as well."""
    static = read_static_files()
    environment = make_environment(static)
    for page in PAGES:
        application.router.add_route(page.method, page.path, opened(page, environment))
        if page.pieces is not None:
            application.router.add_route("GET", f"{LIVE_PREFIX}{page.path}", _stream(page, environment))
    application.router.add_route("GET", f"{STATIC_PREFIX}{{name:.+}}", static.answer)
    nowhere = Page("GET", "/{path:(?!api/).*}", _nowhere, "public")
    application.router.add_route(nowhere.method, nowhere.path, opened(nowhere, environment))


def _stream(page: Page, environment: Environment) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handler(request: web.Request) -> web.StreamResponse:
        return await live.keep_up_to_date(request, page, environment)

    return handler


async def _nowhere(visit: Visit) -> web.StreamResponse:
    raise Problem(HTTPStatus.NOT_FOUND, visit.gettext("There is no page at this address."))
