"""Reboots a station whose accepted settings need it, when it is allowed and nobody uses the station: once per boot.

Some stations refuse everything until they have rebooted. A charging session is never disturbed, nor anybody who is
about to begin or to end one.
"""

from __future__ import annotations

import logging

from gateway.model.identities import StationId
from gateway.model.instants import seconds_later
from gateway.operations.ask_by_itself import LookAgain, ask
from gateway.operations.fleet_settings import fleet_setting
from gateway.operations.known_stations import find_settings
from gateway.operations.orders import GATEWAY
from gateway.operations.site import Site
from gateway.rules.idleness import is_idle
from gateway.store import commands, configuration_keys, connectors, reservations, stations, transactions
from gateway.store.writing import Writing

logger = logging.getLogger(__name__)

_LOOK_AGAIN_SECONDS = 300.0
_UPDATE_SECONDS = 3600.0
_UPDATES = ("UpdateFirmware", "SignedUpdateFirmware")


async def reboot_when_idle(site: Site, station: StationId) -> None:
    """Reset (Soft), if one is due and nobody is in its way."""
    due, idle = await site.database.write(lambda db: _due(db, site, station))
    if not due:
        return
    if not idle:
        raise LookAgain(_LOOK_AGAIN_SECONDS)
    logger.info("rebooting %s for its settings to take effect", station, extra={"station": station})
    await ask(site, station, "Reset", {"type": "Soft"})


def _due(db: Writing, site: Site, station: StationId) -> tuple[bool, bool]:
    """(a reboot is needed, allowed and not tried since the newest boot; nobody uses the station)."""
    if not configuration_keys.needs_reboot(db, station):
        return False, False
    settings, row = find_settings(db, site.configuration, station), stations.find(db, station)
    allowed = settings.reboot_when_idle
    if allowed is None:
        allowed = fleet_setting(db, site, "reboot_when_idle", site.configuration.ocpp.reboot_when_idle)
    if not allowed or row is None:
        return False, False
    since = row.booted_at or row.created_at
    if commands.asked_since(db, station, actions=("Reset",), since=since, actor=GATEWAY):
        return False, False
    # it may be loading or installing
    lately = seconds_later(site.wall_clock(), -_UPDATE_SECONDS)
    updates = commands.asked_since(db, station, actions=_UPDATES, since=lately)
    idle = not updates and is_idle(
        statuses={number: state.status for number, state in connectors.all_of_station(db, station).items()},
        sessions=len(transactions.open_of_station(db, station)),
        expected_starts=commands.expected_starts(db, station),
        reservations=len(reservations.active(db, station)),
    )
    return True, idle
