"""The page's address book: every screen of PAGES, its stream, the static files, and what stands at no address."""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import web

from gateway.pages import (
    access,
    access_card,
    access_import,
    access_learn,
    access_lists,
    access_reservations,
    campaign_form,
    campaigns,
    diagnostics,
    diagnostics_files,
    diagnostics_lists,
    firmware,
    firmware_upload,
    fleet_managers,
    kiosk,
    live,
    load,
    login,
    one_session,
    overview,
    sessions,
    setup,
    setup_cards,
    setup_done,
    setup_fuse,
    setup_meter_scan,
    setup_meters,
    setup_site,
    setup_stations,
    station,
    station_actions,
    station_certificates,
    station_keys,
    station_keys_compared,
    station_messages,
    station_settings,
    station_why,
    stations,
    system,
    system_audit,
    system_backup,
    system_certificates,
    system_users,
)
from gateway.pages.guard import LIVE_PREFIX, opened
from gateway.pages.open_streams import OpenStreams
from gateway.pages.rendering import make_environments
from gateway.pages.shared_pieces import Pace, SharedPieces
from gateway.pages.static_files import PREFIX as STATIC_PREFIX
from gateway.pages.static_files import read_static_files
from gateway.pages.table import Page
from gateway.pages.visit import Visit
from gateway.web.problems import Problem
from gateway.web.routes import matching

PAGES: tuple[Page, ...] = (
    *login.PAGES,
    *overview.PAGES,
    *load.PAGES,
    *stations.PAGES,
    *station_keys_compared.PAGES,  # before a station of that name
    *station.PAGES,
    *station_actions.PAGES,
    *station_certificates.PAGES,
    *station_keys.PAGES,
    *station_messages.PAGES,
    *station_settings.PAGES,
    *station_why.PAGES,
    *sessions.PAGES,
    *one_session.PAGES,
    *access.PAGES,
    *access_card.PAGES,
    *access_import.PAGES,
    *access_learn.PAGES,
    *access_lists.PAGES,
    *access_reservations.PAGES,
    *firmware.PAGES,
    *firmware_upload.PAGES,
    *campaign_form.PAGES,
    *campaigns.PAGES,
    *diagnostics.PAGES,
    *diagnostics_files.PAGES,
    *diagnostics_lists.PAGES,
    *system.PAGES,
    *system_audit.PAGES,
    *system_backup.PAGES,
    *system_certificates.PAGES,
    *system_users.PAGES,
    *fleet_managers.PAGES,
    *kiosk.PAGES,
    *setup.PAGES,
    *setup_site.PAGES,
    *setup_fuse.PAGES,
    *setup_meter_scan.PAGES,
    *setup_meters.PAGES,
    *setup_stations.PAGES,
    *setup_cards.PAGES,
    *setup_done.PAGES,
)
_PACE = Pace()


def add_pages(application: web.Application, *, pages: tuple[Page, ...] = PAGES, pace: Pace = _PACE) -> None:
    """Let the application serve the page as well. `pace`: how often open tabs are looked after.

    Reads scripts and catalogs for some tenths of a second: where stations wait for the event loop, call it in a thread.
    """
    static = read_static_files()
    environments = make_environments(static)
    shared, streams = SharedPieces(pace), OpenStreams()
    for page in pages:
        path = matching(page.path)
        application.router.add_route(page.method, path, opened(page, environments))
        if page.pieces is not None:
            stream = live.stream_of(page, environments, shared, streams)
            application.router.add_route("GET", f"{LIVE_PREFIX}{path}", stream)
    application.router.add_route("GET", f"{STATIC_PREFIX}{{name:.+}}", static.answer)
    for method in ("GET", "POST"):
        nowhere = Page(method, "/{path:(?!api/).*}", _nowhere, "public")
        application.router.add_route(method, nowhere.path, opened(nowhere, environments))


async def _nowhere(visit: Visit) -> web.StreamResponse:
    raise Problem(HTTPStatus.NOT_FOUND, visit.gettext("There is no page at this address."))
