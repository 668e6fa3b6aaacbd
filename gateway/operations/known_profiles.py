"""The rows of the profile mirror as what they mean: typed profiles on their connectors, ready for the rules."""

from __future__ import annotations

from dataclasses import replace

from gateway.model.charging_profiles import TX, Installed
from gateway.model.identities import StationId
from gateway.model.instants import Instant
from gateway.ocpp.v16.charging_profiles import read_profile
from gateway.rules.charging_profiles import is_over
from gateway.rules.charging_schedule import Station, composite_schedule
from gateway.rules.limit_profiles import is_ours
from gateway.store import charging_profiles, transactions
from gateway.store.charging_profiles import Kept
from gateway.store.writing import Writing


def meant_by(row: Kept) -> Installed:
    """The profile of a row, on its connector; a remote start's is known under the transaction that it led to."""
    profile = read_profile(row.document())
    assert profile is not None  # nothing else is kept
    return Installed(row.connector, replace(profile, transaction_id=row.transaction_id))


def known_of(db: Writing, station: StationId) -> list[tuple[Kept, Installed]]:
    """Everything that the station holds or may hold, oldest first."""
    return [(row, meant_by(row)) for row in charging_profiles.of_station(db, station)]


def foreign_limit(db: Writing, station: StationId, connector: int, now: Instant) -> float | None:
    """What the profiles of others, an operator's or the fleet's, leave the connector now, in A; None: they say nothing.

    Those that nobody is certain of count, too: a limit that may hold is not to be planned above.
    """
    theirs = [
        one
        for row, one in known_of(db, station)
        if not is_ours(row.profile_id) and row.wanted and not is_over(one.profile, now)
    ]
    if not theirs:
        return None
    sessions = {int(session.connector): session.start_at for session in transactions.open_of_station(db, station)}
    composite = composite_schedule(
        Station(theirs, [connector], sessions), connector=connector, start_at=now, duration_seconds=1, unit="A"
    )
    limit = composite.periods[0].limit if composite.periods else None
    return None if limit is None else float(limit)


def is_opened(db: Writing, station: StationId, connector: int, now: Instant) -> bool:
    """May a TxProfile of others hold for the running session? It overrules our default profile and its wait at 0 A."""
    here = {
        session.transaction_id
        for session in transactions.open_of_station(db, station)
        if session.connector == connector
    }
    return any(
        one.profile.purpose == TX
        and one.connector in (0, connector)
        and (row.transaction_id is None or row.transaction_id in here)
        and not is_ours(row.profile_id)
        and not is_over(one.profile, now)
        for row, one in known_of(db, station)
    ) and bool(here)
