"""Keeps the servers for stations open: HTTP, HTTPS, and the socket on which the FTP process asks.

A port that cannot be opened is told in health and tried again; nobody else waits for it. What the servers do is
`firmware_store`, what a token allows is `serve_transfers`.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

from firmware_store.desk_socket import SOCKET_NAME, serve_desk
from firmware_store.transfer_loop import HttpSettings
from firmware_store.transfer_server import serve_transfers
from gateway.operations.serve_transfers import TransferDesk
from gateway.operations.site import Site

logger = logging.getLogger(__name__)

COMPONENT = "firmware doors"  # `firmware` is the images' own
_AGAIN_SECONDS = 10.0


async def keep_transfer_doors(site: Site) -> None:
    """For ever."""
    told = None
    while True:
        try:
            async with AsyncExitStack() as stack:
                await _open(site, stack)
                site.health.report(COMPONENT, None)
                told = None
                await asyncio.Event().wait()
        except OSError as error:
            reason = f"stations cannot fetch or upload: {error.strerror or error}"
            site.health.report(COMPONENT, reason)
            if reason != told:
                logger.warning("%s", reason)
            told = reason
        finally:
            site.transfers.http_port = site.transfers.https_port = None
        await asyncio.sleep(_AGAIN_SECONDS)


async def _open(site: Site, stack: AsyncExitStack) -> None:
    desk, firmware = TransferDesk(site), site.configuration.firmware
    rate = firmware.station_kilobytes_per_second
    settings = HttpSettings(
        host=firmware.host,
        port=firmware.port,
        tls_port=firmware.tls_port,
        transfers_at_once=firmware.transfers_at_once,
        station_bytes_per_second=rate * 1000 or None,
    )
    ports = await stack.enter_async_context(serve_transfers(desk, settings, tls=_context(site)))
    site.transfers.http_port, site.transfers.https_port = ports.http, ports.https
    await stack.enter_async_context(serve_desk(desk, site.configuration.data.directory / SOCKET_NAME))
    logger.info("firmware and uploads: http port %d", ports.http)


def _context(site: Site) -> Callable[[], Awaitable[ssl.SSLContext | None]] | None:
    """What gives the certificates of the stations' TLS port; None without one."""
    tls = site.configuration.ocpp.tls
    if tls is None or site.configuration.firmware.tls_port is None:
        return None
    from gateway.operations.keep_tls_door import TlsCertificates  # its library is slow to import

    return TlsCertificates(site, tls).current
