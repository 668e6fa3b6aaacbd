"""The web door: all routes in one application, a TCP listener for people and a unix socket for the command line.

The socket file is the permission: whoever may open it is an installer.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from aiohttp import web, web_app
from aiohttp.http_exceptions import HttpProcessingError

from gateway.operations.site import Site
from gateway.web import (
    asyncapi_api,
    audit_api,
    backups_api,
    campaigns_api,
    certificates_api,
    charging_api,
    commands_api,
    configuration_keys_api,
    events_api,
    firmware_images_api,
    firmware_links_api,
    fleet_documents_api,
    frames_api,
    health_api,
    history_api,
    id_tags_api,
    jobs_api,
    learn_tags_api,
    limits_api,
    load_api,
    local_lists_api,
    meters_api,
    metrics,
    network_check_api,
    openapi,
    overview_api,
    people_api,
    reload_api,
    reservations_api,
    security_api,
    session_api,
    setup_api,
    stations_api,
    support_bundle_api,
    system_api,
    tokens_api,
    transaction_exports_api,
    transactions_api,
    uploads_api,
    upstreams_api,
)
from gateway.web.asking import MOST_BODY_BYTES
from gateway.web.kept_port import KeptPort
from gateway.web.login import guarded
from gateway.web.problems import problems_only
from gateway.web.routes import CLOSING, SITE, Route, matching

logger = logging.getLogger(__name__)

SOCKET_NAME = "api.sock"

ROUTES: tuple[Route, ...] = (
    *stations_api.ROUTES,
    *frames_api.ROUTES,
    *configuration_keys_api.ROUTES,
    *commands_api.ROUTES,
    *charging_api.ROUTES,
    *security_api.ROUTES,
    *learn_tags_api.ROUTES,  # before the path of any tag
    *id_tags_api.ROUTES,
    *local_lists_api.ROUTES,
    *transaction_exports_api.ROUTES,  # before those that would take its words for ids
    *transactions_api.ROUTES,
    *reservations_api.ROUTES,
    *limits_api.ROUTES,
    *meters_api.ROUTES,
    *load_api.ROUTES,
    *history_api.ROUTES,
    *overview_api.ROUTES,
    *events_api.ROUTES,
    *fleet_documents_api.ROUTES,
    *firmware_links_api.ROUTES,
    *firmware_images_api.ROUTES,
    *jobs_api.ROUTES,
    *campaigns_api.ROUTES,
    *session_api.ROUTES,
    *people_api.ROUTES,
    *audit_api.ROUTES,
    *tokens_api.ROUTES,
    *backups_api.ROUTES,
    *support_bundle_api.ROUTES,
    *certificates_api.ROUTES,
    *health_api.ROUTES,
    *network_check_api.ROUTES,
    *metrics.ROUTES,
    *uploads_api.ROUTES,
    *upstreams_api.ROUTES,
    *asyncapi_api.ROUTES,
    *reload_api.ROUTES,
    *setup_api.ROUTES,
    *system_api.ROUTES,
)

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}
_SOCKET_MODE = 0o660
# sun_path has 108 bytes; longer paths are reached through a descriptor of their directory
_LONGEST_SOCKET_PATH = 100
_SHUTDOWN_SECONDS = 3.0
_AGAIN_SECONDS = 5.0


def make_application(site: Site) -> web.Application:
    """The application with every route of ROUTES and the OpenAPI document about them."""
    application = web.Application(middlewares=[problems_only], client_max_size=MOST_BODY_BYTES)
    application[SITE] = site
    application[CLOSING] = asyncio.Event()
    for route in (*ROUTES, openapi.route_to_document(ROUTES)):
        handler, path = guarded(route), matching(route.path)
        application.router.add_route(route.method, path, handler)
        if route.access == "loopback":  # watchdogs ask with HEAD
            application.router.add_route("HEAD", path, handler)
    application.on_response_prepare.append(_say_how_to_read)
    application.on_shutdown.append(_end_feeds)
    return application


async def _say_how_to_read(request: web.Request, response: web.StreamResponse) -> None:
    """Whatever an answer is, a browser runs nothing of it and keeps nothing, unless its handler says otherwise."""
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)


@asynccontextmanager
async def serve(
    site: Site, application: web.Application, *, patient: bool = False, kept: KeptPort | None = None
) -> AsyncIterator[int]:
    """Listen on [web] and on the unix socket for the length of the block; gives the TCP port. Raises OSError.

    `patient`: a TCP port that cannot be had (0) is tried again in the background, and health tells. `kept`: holds the
    port open beyond the block, for the next one.
    """
    with _socket_file(site.configuration.data.directory) as listener:
        runner = web.AppRunner(
            application,
            handle_signals=False,
            access_log=None,
            shutdown_timeout=_SHUTDOWN_SECONDS,
            logger=_library_logger(),
        )
        await runner.setup()
        later: asyncio.Task[None] | None = None
        try:
            await web.SockSite(runner, listener).start()
            try:
                port = await _listen(site, runner, kept)
            except OSError as error:
                if not patient:
                    raise
                port, later = 0, asyncio.create_task(_listen_later(site, runner, error, kept), name="web port")
            yield port
        finally:
            if later is not None:
                later.cancel()
            await runner.cleanup()
            _forget_handlers()


def _forget_handlers() -> None:
    """The library keeps every application that answered something, with the site in it, also after its end."""
    remembered = getattr(web_app, "_cached_build_middleware", None)
    if remembered is not None:
        remembered.cache_clear()


async def _listen(site: Site, runner: web.AppRunner, kept: KeptPort | None) -> int:
    settings = site.configuration.web
    copies = kept.copies(settings.host, settings.port) if kept is not None else []
    for copy in copies:
        await web.SockSite(runner, copy).start()
    if not copies:
        tcp = web.TCPSite(runner, settings.host, settings.port)
        await tcp.start()
        if kept is not None:
            kept.keep(settings.host, settings.port, _descriptors(tcp))
    port = next(int(address[1]) for address in runner.addresses if isinstance(address, tuple))
    logger.info("web: http://%s:%d", settings.host, port)
    return port


def _descriptors(tcp: web.TCPSite) -> list[int]:
    """Of the sockets on which it listens; the library shows their addresses alone."""
    server = tcp._server
    return [one.fileno() for one in getattr(server, "sockets", ())]


async def _listen_later(site: Site, runner: web.AppRunner, error: OSError, kept: KeptPort | None) -> None:
    settings = site.configuration.web
    reason = f"cannot listen on {settings.host}, port {settings.port}: {_words(error)}"
    logger.error("web: %s; it is tried again", reason)
    site.health.report("web", reason)
    while True:
        await asyncio.sleep(_AGAIN_SECONDS)
        try:
            await _listen(site, runner, kept)
        except OSError:
            continue
        site.health.report("web", None)
        return


def _words(error: OSError) -> str:
    """The system's own words; asyncio wraps them into longer ones."""
    return os.strerror(error.errno) if error.errno else str(error)


def _library_logger() -> logging.Logger:
    """What the library logs of connections, without tracebacks for what is only a client's fault."""
    of_library = logging.getLogger(f"{__name__}.connections")
    of_library.addFilter(_is_not_the_clients_fault)
    return of_library


def _is_not_the_clients_fault(record: logging.LogRecord) -> bool:
    """A logging filter: bytes that are no HTTP (port scanners, TLS on this port) are one line at INFO."""
    error = record.exc_info[1] if record.exc_info else None
    if not isinstance(error, HttpProcessingError):
        return True
    if record.levelno > logging.DEBUG:
        logger.info("answered what is no HTTP with %d (%s)", error.code, type(error).__name__)
    return False


async def _end_feeds(application: web.Application) -> None:
    application[CLOSING].set()
    application[SITE].journal_signal.announce()


@contextmanager
def _socket_file(directory: Path) -> Iterator[socket.socket]:
    """A bound socket at `directory`/api.sock that the group may open; the file is gone after the block."""
    path = directory / SOCKET_NAME
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        with reachable_socket_path(path) as short:
            _remove_stale(path, short)
            listener.bind(short)
        try:
            # nobody can connect before it listens, so nobody slips in under the wrong mode
            path.chmod(_SOCKET_MODE)
            listener.setblocking(False)
            yield listener
        finally:
            path.unlink(missing_ok=True)


@contextmanager
def reachable_socket_path(path: Path) -> Iterator[str]:
    """A name for the unix socket `path` that fits into a socket address, valid inside the block."""
    if len(os.fsencode(path)) <= _LONGEST_SOCKET_PATH:
        yield str(path)
        return
    descriptor = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}/{path.name}"
    finally:
        os.close(descriptor)


def _remove_stale(path: Path, short: str) -> None:
    """Take away the socket of a gateway that died; one that still answers is an error."""
    try:
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise FileExistsError(f"{path} is in the way: it is not a socket")
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(short)
        except OSError:
            path.unlink()
            return
    raise FileExistsError(f"another gateway answers on {path}")
