"""Password files of the configuration that cannot be read: told in health before the station of one is refused.

A station's password is read at its connection, so a file that comes back counts at once (`check_passwords`).
"""

from __future__ import annotations

import asyncio
import os

from gateway.operations.site import Site

COMPONENT = "password files"
_LOOK_EVERY_SECONDS = 30.0


async def watch_password_files(site: Site) -> None:
    """For ever: report those that are missing."""
    while True:
        site.health.report(COMPONENT, _ailment(site))
        await asyncio.sleep(_LOOK_EVERY_SECONDS)


def _ailment(site: Site) -> str | None:
    missing = [
        f"of {station.id} ({station.password_file})"
        for station in site.configuration.stations
        if station.password_file is not None and not os.access(station.password_file, os.R_OK)
    ]
    if not missing:
        return None
    more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
    return f"cannot be read: {', '.join(missing[:3])}{more}"
