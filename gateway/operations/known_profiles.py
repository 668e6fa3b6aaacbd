"""The rows of the profile mirror as what they mean: typed profiles on their connectors, ready for the rules."""

from __future__ import annotations

from dataclasses import replace

from gateway.model.charging_profiles import Installed
from gateway.model.identities import StationId
from gateway.ocpp.v16.charging_profiles import read_profile
from gateway.store import charging_profiles
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
