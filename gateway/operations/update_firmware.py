"""Asks a station for the firmware that a fleet manager wants there: an automatic function, once it is due and idle.

Whether it is due is decided by `rules.fleet_firmware`. The request goes through the corridor like an operator's, which
begins a job; how that goes on is followed by `follow_jobs`.
"""

from __future__ import annotations

import logging
from typing import NamedTuple

from gateway.model.identities import StationId
from gateway.model.instants import Instant, seconds_later, text_of
from gateway.operations.apply_firmware import entries_in_force, find_standing
from gateway.operations.ask_by_itself import LookAgain, ask
from gateway.operations.site import Site
from gateway.rules.fleet_firmware import WantedFirmware, wanted_of
from gateway.rules.idleness import is_idle
from gateway.store import commands, connectors, fleet_updates, reservations, stations, transactions
from gateway.store.writing import Writing

logger = logging.getLogger(__name__)

_LOOK_AGAIN_SECONDS = 300.0
_REBOOT_SECONDS = 300.0


class _Due(NamedTuple):
    """What is wanted; `now`: it may be asked for at once."""

    wanted: WantedFirmware
    now: bool


async def update_firmware(site: Site, station: StationId) -> None:
    """UpdateFirmware or SignedUpdateFirmware, if one is due and nobody is in its way."""
    now = site.wall_clock()
    due = await site.database.write(lambda db: _due(db, station, now))
    if due is None:
        return
    if not due.now:
        raise LookAgain(_LOOK_AGAIN_SECONDS)
    wanted = due.wanted
    logger.info("asking %s for firmware %s", station, wanted.version, extra={"station": station})
    await site.database.write(lambda db: fleet_updates.note(db, station, wanted.version, now=now))
    if wanted.signature is None:
        await ask(site, station, "UpdateFirmware", {"location": wanted.url, "retrieveDate": text_of(now)})
    else:
        firmware = {
            "location": wanted.url,
            "retrieveDateTime": text_of(now),
            "signingCertificate": wanted.signing_certificate,
            "signature": wanted.signature,
        }
        await ask(site, station, "SignedUpdateFirmware", {"firmware": firmware})
    raise LookAgain(_LOOK_AGAIN_SECONDS)


def _due(db: Writing, station: StationId, now: Instant) -> _Due | None:
    """None: nothing is, nor will be without news."""
    entries = entries_in_force(db)
    row = stations.find(db, station) if entries else None
    if row is None:
        return None
    wanted = wanted_of(entries, station=station, vendor=row.vendor, model=row.model)
    if wanted is None or wanted.sha256 is not None:  # campaigns see to those
        return None
    standing, _ = find_standing(db, row, wanted, now)
    if standing in ("up_to_date", "failed"):
        return None
    lately = seconds_later(now, -_REBOOT_SECONDS)
    reboots = commands.asked_since(db, station, actions=("Reset",), since=lately)
    return _Due(wanted, standing == "due" and not reboots and _is_idle(db, station))


def _is_idle(db: Writing, station: StationId) -> bool:
    return is_idle(
        statuses={number: state.status for number, state in connectors.all_of_station(db, station).items()},
        sessions=len(transactions.open_of_station(db, station)),
        expected_starts=commands.expected_starts(db, station),
        reservations=len(reservations.active(db, station)),
    )
