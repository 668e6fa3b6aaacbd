"""Settling what nobody knows: an automatic function that sends uncertain profiles again, or clears them again.

Due when an answer was missing, when a session ended without its station's word, and when another device, or an older
state of our database, makes all doubtful: then everything is cleared first, and what was wanted is set again. Profiles
of load limits are left to `send_limits`: an old limit that is sent again may be a higher one. While a car charges at a
station on a circuit, nothing is cleared as a whole. It does not know when its turn comes (`look_after_stations`).
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.model.charging_profiles import TX
from gateway.model.identities import StationId
from gateway.model.instants import Instant
from gateway.operations.ask_by_itself import ask, status_in
from gateway.operations.heed_settings import cannot_do
from gateway.operations.known_limiting import is_limited
from gateway.operations.known_profiles import known_of
from gateway.operations.site import Site
from gateway.rules.charging_profiles import is_over
from gateway.rules.limit_profiles import is_ours
from gateway.store import charging_profiles, transactions
from gateway.store.charging_profiles import Kept
from gateway.store.writing import Writing


@dataclass(frozen=True, slots=True)
class _Due:
    """`clear_all`: nothing about the station is believed. `again`: what to set again, newest first."""

    clear_all: bool
    again: tuple[Kept, ...]


async def reconcile_profiles(site: Site, station: StationId) -> None:
    """Settle what is uncertain about this connected station; stops quietly when it goes away or does not answer."""
    due = await site.database.write(lambda db: _due(db, site, station, site.wall_clock()))
    if due.clear_all and not await _clear(site, station, {}):
        return
    for row in due.again:
        if (due.clear_all or await _is_open(site, row)) and not await _set_again(site, station, row):
            return
    for profile_id in await site.database.write(lambda db: _unwanted(db, site, station)):
        if not await _clear(site, station, {"id": profile_id}):
            return


def _due(db: Writing, site: Site, station: StationId, now: Instant) -> _Due:
    """What is to be done; what is over is forgotten, and a TxProfile without its session is not wanted any more."""
    known = known_of(db, station)
    charging_profiles.forget(db, [row for row, one in known if is_over(one.profile, now)])
    left = [(row, one) for row, one in known if not is_over(one.profile, now)]
    limited = is_limited(db, site, station)
    if limited:
        left = [(row, one) for row, one in left if not is_ours(row.profile_id)]
    running = {session.transaction_id for session in transactions.open_of_station(db, station)} | {None}
    ended = [row for row, one in left if one.profile.purpose == TX and row.transaction_id not in running]
    charging_profiles.doubt(db, [row for row in ended if not row.certain], wanted=False)
    clear_all = charging_profiles.trust(db, station).doubted_at is not None
    if clear_all and limited and len(running) > 1:
        return _Due(False, ())  # the end of a session brings the station's turn again
    again = [
        row
        for row, one in reversed(left)
        if row.wanted and not row.certain and row not in ended and not (clear_all and one.profile.purpose == TX)
    ]
    return _Due(clear_all, tuple(again))


async def _is_open(site: Site, row: Kept) -> bool:
    """False: one that was sent since has settled it."""
    rows = await site.database.write(lambda db: charging_profiles.of_station(db, row.station))
    return any(other.row_id == row.row_id for other in rows)


def _unwanted(db: Writing, site: Site, station: StationId) -> list[int]:
    limited = is_limited(db, site, station)
    rows = charging_profiles.of_station(db, station)
    return sorted({row.profile_id for row in rows if not row.wanted and not (limited and is_ours(row.profile_id))})


async def _set_again(site: Site, station: StationId, row: Kept) -> bool:
    """Send the profile once more; one that is refused is not wanted any more. False: no answer, leave it for now."""
    document = row.document()
    if row.transaction_id is not None:
        document = {**document, "transactionId": row.transaction_id}  # a remote start's had none yet
    payload = {"connectorId": row.connector, "csChargingProfiles": document}
    outcome = await ask(site, station, "SetChargingProfile", payload)
    if outcome is None:
        return False
    if status_in(outcome, "SetChargingProfile") != "Accepted":
        await site.database.write(lambda db: charging_profiles.doubt(db, [row], wanted=False))
    return True


async def _clear(site: Site, station: StationId, payload: dict[str, object]) -> bool:
    """Clear once more; False: leave it for now."""
    outcome = await ask(site, station, "ClearChargingProfile", payload)
    if outcome is None:
        return False
    if cannot_do(outcome.status, outcome.code):  # what it does not clear, it does not hold
        await site.database.write(lambda db: _holds_none(db, station, site.wall_clock()))
        return True
    return status_in(outcome, "ClearChargingProfile") in ("Accepted", "Unknown")


def _holds_none(db: Writing, station: StationId, now: Instant) -> None:
    charging_profiles.forget(db, charging_profiles.of_station(db, station))
    charging_profiles.note_cleared(db, station, now=now)
