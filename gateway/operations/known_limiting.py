"""What a station told that matters for limits, what a person pinned, and whether it is limited at all; in a unit."""

from __future__ import annotations

from gateway.model.circuits import LeaseMode
from gateway.model.identities import StationId
from gateway.operations.known_stations import find_settings
from gateway.operations.site import Site
from gateway.rules.charging_profiles import MAX_PERIODS, MAX_STACK_LEVEL, RATE_UNITS, rate_units, whole_value
from gateway.rules.load_modes import Abilities
from gateway.store import configuration_keys
from gateway.store.writing import Writing


def is_limited(db: Writing, site: Site, station: StationId) -> bool:
    """Is the station fed by a circuit?"""
    return bool(site.configuration.circuits) and find_settings(db, site.configuration, station).circuit is not None


def find_told(db: Writing, site: Site, station: StationId, *, connectors: int) -> tuple[Abilities, LeaseMode | None]:
    """What it can, as far as it told, and the mode that a person set."""
    settings = {name: configuration_keys.value_of(db, station, name) or "" for name in _KEYS}
    written = find_settings(db, site.configuration, station).load_mode
    told = Abilities(
        highest_level=whole_value(settings[MAX_STACK_LEVEL]),
        units=frozenset(rate_units(settings[RATE_UNITS])),
        most_periods=whole_value(settings[MAX_PERIODS]),
        connectors=max(1, connectors),
    )
    return told, None if written == "auto" else written


_KEYS = (MAX_STACK_LEVEL, RATE_UNITS, MAX_PERIODS)
