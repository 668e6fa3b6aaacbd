"""Sends charging profiles that a fleet manager wants to a station, and clears those that it wants no longer.

An automatic function (`look_after_stations`): each is sent once, through the corridor like an operator's, which keeps
the memory of what the station holds; what comes after a missing answer or a reboot is `reconcile_profiles`. Whether one
is due is decided by `rules.fleet_profiles`.
"""

from __future__ import annotations

from gateway.model.identities import StationId
from gateway.model.instants import Instant
from gateway.operations.apply_profiles import find_standing
from gateway.operations.ask_by_itself import ask, status_in
from gateway.operations.site import Site
from gateway.rules.fleet_profiles import SENT, is_due
from gateway.store import charging_profiles, fleet_documents, fleet_profiles, stations
from gateway.store.fleet_profiles import FleetProfile
from gateway.store.writing import Writing


async def send_fleet_profiles(site: Site, station: StationId) -> None:
    """Clear what is not wanted, then send what is; stops quietly when the station goes away or does not answer."""
    now = site.wall_clock()
    clear, send = await site.database.write(lambda db: _due(db, station, now))
    for row in clear:
        if not await _clear(site, row):
            return
    for row in send:
        if not await _send(site, row):
            return


def _due(db: Writing, station: StationId, now: Instant) -> tuple[list[FleetProfile], list[FleetProfile]]:
    rows = fleet_profiles.of_station(db, station)
    if not rows or not fleet_documents.is_in_force(db, "profiles"):
        return [], []  # what stations hold of a document that was taken away stays there
    known = stations.find(db, station)
    booted_at, known_since = (None, None) if known is None else (known.booted_at, known.created_at)
    clear = []
    for row in rows:
        if not row.wanted and _may_be_there(db, row, now):
            clear.append(row)
        elif not row.wanted:
            fleet_profiles.remove(db, row)
    send = [
        row
        for row in rows
        if row.wanted
        and is_due(find_standing(db, row, now), tried_at=row.tried_at, booted_at=booted_at, known_since=known_since)
    ]
    return clear, send


def _may_be_there(db: Writing, row: FleetProfile, now: Instant) -> bool:
    """Not when somebody at the site has put another one with its id in its place: that one is theirs."""
    theirs = find_standing(db, row, now) == "overridden"
    return not theirs and charging_profiles.has_id(db, row.station, row.profile_id)


async def _send(site: Site, row: FleetProfile) -> bool:
    await _note(site, row, SENT)  # before it leaves: a missing answer is settled by `reconcile_profiles`
    payload = {"connectorId": row.connector, "csChargingProfiles": row.profile}
    outcome = await ask(site, row.station, "SetChargingProfile", payload)
    if outcome is None:
        return False
    await _note(site, row, status_in(outcome, "SetChargingProfile") or outcome.code or "error")
    return True


async def _clear(site: Site, row: FleetProfile) -> bool:
    outcome = await ask(site, row.station, "ClearChargingProfile", {"id": row.profile_id})
    if outcome is None:
        return False
    if status_in(outcome, "ClearChargingProfile") in ("Accepted", "Unknown"):
        await site.database.write(lambda db: fleet_profiles.remove(db, row))
    return True


async def _note(site: Site, row: FleetProfile, outcome: str) -> None:
    now = site.wall_clock()
    await site.database.write(lambda db: fleet_profiles.note_outcome(db, row.station, row.profile_id, outcome, now=now))
