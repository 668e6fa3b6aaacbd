"""What is known and what is wanted of a station's configuration keys, put together inside a unit of work.

What follows from it is decided by `rules.desired_settings` and `rules.capabilities`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from gateway.model.fleet_documents import Body
from gateway.model.identities import StationId
from gateway.operations.known_stations import settings_in_force
from gateway.operations.site import Site
from gateway.rules.capabilities import Capabilities, capabilities_of
from gateway.rules.desired_settings import Drift, Known, ModelSettings, State, desired_settings, drift
from gateway.rules.load_measurements import measurements_wanted
from gateway.store import (
    configuration_keys,
    connectors,
    fleet_documents,
    setting_trials,
    stations,
    unsupported_requests,
)
from gateway.store.writing import Writing

__all__ = ["Settings", "State", "body_of_fleet", "find_capabilities", "find_settings_of", "wishes_of_fleet"]


@dataclass(frozen=True, slots=True)
class Settings:
    """One station's configuration keys: known, wanted, and where the two differ."""

    known: Known
    desired: Mapping[str, str]
    drifts: tuple[Drift, ...]


def find_settings_of(db: Writing, site: Site, station: str, *, fleet: Body | None = None) -> Settings:
    """The station's configuration keys as they are now; `fleet` is `body_of_fleet`, if it is at hand."""
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
            *wishes_of_fleet(fleet or body_of_fleet(db), station),
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


def body_of_fleet(db: Writing) -> Body:
    """What a fleet manager wants of all stations (document `config-keys`)."""
    found = fleet_documents.body_in_force(db, "config-keys")
    return {} if found is None else found[1]


def wishes_of_fleet(body: Body, station: str) -> list[ModelSettings]:
    """What it wants of one: that of kinds, then that of this station. Everything else beats it."""
    # the body was read by `apply_config_keys` before it was kept
    told = cast(Mapping[str, Any], body)
    kinds = [ModelSettings(kind["vendor"], kind["model"], kind["keys"]) for kind in told.get("models", [])]
    own: Mapping[str, str] = told.get("stations", {}).get(station, {})
    return [*kinds, ModelSettings("*", "*", own)] if own else kinds


def find_capabilities(db: Writing, station: StationId) -> Capabilities:
    """What the station can do, as far as it told."""
    told = {folded: key.value for folded, key in configuration_keys.reported(db, station).items()}
    seen = connectors.all_of_station(db, station).keys()
    return capabilities_of(told, connectors_seen=seen, unsupported=unsupported_requests.of_station(db, station))
