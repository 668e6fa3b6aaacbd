"""A renewed client certificate is noticed on disk, and taken up when it is whole and nothing is on its way.

The files are read anew for each connection anyway; this only says when it is worth connecting again.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from pathlib import Path

from gateway.configuration import Upstream
from gateway.operations.upstream_now import FilesShown, UpstreamNow
from gateway.upstream.tls import plain_words

logger = logging.getLogger(__name__)

_LOOK_EVERY_SECONDS = 30.0
_WAIT_AT_MOST_SECONDS = 600.0  # a busy upstream has no quiet moment


async def renewed(now: UpstreamNow) -> None:
    """Return when there is another certificate than at the beginning, it fits its key, and it is quiet."""
    loop = asyncio.get_running_loop()
    before = now.files_shown
    changed_at: float | None = None
    while True:
        await asyncio.sleep(_LOOK_EVERY_SECONDS)
        state = await asyncio.to_thread(state_of_files, now.settings)
        if state == before or state is None:
            changed_at = None
            continue
        trouble = await asyncio.to_thread(_trouble_with, now.settings)
        now.alarm("certificate", trouble and f"the renewed client certificate cannot be used: {trouble}")
        if trouble is not None:
            continue
        changed_at = changed_at or loop.time()
        if not any(flow.unacked for flow in now.delivery.flows.values()) or (
            loop.time() - changed_at > _WAIT_AT_MOST_SECONDS
        ):
            return


def state_of_files(settings: Upstream) -> FilesShown | None:
    """What changes when one of the files does; None when one cannot be read now."""
    found = []
    for path in _files(settings):
        try:
            status = path.stat()
        except OSError:
            return None
        found.append((status.st_ino, status.st_mtime_ns, status.st_size))
    return tuple(found)


def _trouble_with(settings: Upstream) -> str | None:
    """Why the pair on disk cannot be shown to anybody; None when it can."""
    if settings.chain is None:
        return None
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(settings.chain, settings.key_file)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        return plain_words(error)
    return None


def _files(settings: Upstream) -> list[Path]:
    return [path for path in (settings.ca, settings.chain, settings.key_file) if path is not None]
