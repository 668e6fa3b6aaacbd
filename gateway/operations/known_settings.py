"""What is known and what is wanted of a station's configuration keys, put together inside a unit of work.

What follows from it is decided by `rules.desired_settings` and `rules.capabilities`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.model.identities import StationId
from gateway.operations.known_stations import settings_in_force
from gateway.operations.site import Site
from gateway.rules.capabilities import Capabilities, capabilities_of
from gateway.rules.desired_settings import Drift, Known, ModelSettings, State, desired_settings, drift
from gateway.rules.load_measurements import measurements_wanted
from gateway.store import configuration_keys, connectors, setting_trials, stations, unsupported_requests
from gateway.store.writing import Writing

__all__ = ["Settings", "State", "find_capabilities", "find_settings_of"]


@dataclass(frozen=True, slots=True)
class Settings:
    """One station's configuration keys: known, wanted, and where the two differ."""

    known: Known
    desired: Mapping[str, str]
    drifts: tuple[Drift, ...]


def find_settings_of(db: Writing, site: Site, station: str) -> Settings:
    """The station's configuration keys as they are now."""
    row = stations.find(db, station)
    known = Known(
        reported=configuration_keys.reported(db, station),
        unknown=configuration_keys.unknown(db, station),
        trials=setting_trials.of_station(db, station),
        firmware_version=row.firmware_version if row else None,
        booted_at=row.booted_at if row else None,
    )
    settings = settings_in_force(site.configuration, station, row)
    managed = settings.circuit is not None and bool(site.configuration.circuits)
    desired = desired_settings(
        [
            *([ModelSettings("*", "*", measurements_wanted(known))] if managed else []),
            *(
                ModelSettings(kind.vendor, kind.model, kind.desired_configuration)
                for kind in site.configuration.station_models
            ),
        ],
        settings.desired_configuration,
        vendor=row.vendor if row else None,
        model=row.model if row else None,
    )
    return Settings(known, desired, drift(desired, known))


def find_capabilities(db: Writing, station: StationId) -> Capabilities:
    """What the station can do, as far as it told."""
    told = {folded: key.value for folded, key in configuration_keys.reported(db, station).items()}
    seen = connectors.all_of_station(db, station).keys()
    return capabilities_of(told, connectors_seen=seen, unsupported=unsupported_requests.of_station(db, station))
