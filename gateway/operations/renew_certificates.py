"""Asks a station to renew its certificate well before the end, and again after a week when nothing came of it.

One of the automatic requests: stations that are quiet are not asked (see `look_after_stations`).
"""

from __future__ import annotations

from gateway.model.identities import StationId
from gateway.model.instants import Instant
from gateway.operations.ask_by_itself import ask
from gateway.operations.site import Site
from gateway.rules.station_certificates import should_renew
from gateway.store import commands, issued_certificates
from gateway.store.writing import Writing

REQUEST = {"requestedMessage": "SignChargePointCertificate"}


async def renew_certificate(site: Site, station: StationId) -> None:
    """Ask for a SignCertificate when the certificate that the station took last ends before long."""
    now = site.wall_clock()
    if await site.database.write(lambda db: _is_due(db, station, now)):
        await ask(site, station, "ExtendedTriggerMessage", REQUEST)


def _is_due(db: Writing, station: StationId, now: Instant) -> bool:
    end = issued_certificates.end_of_newest(db, station)
    if end is None or not should_renew(end, now=now, asked_at=None):
        return False
    asked_at = commands.last_asked(db, station, "ExtendedTriggerMessage", REQUEST)
    return should_renew(end, now=now, asked_at=asked_at)
