"""The site as load limits see it: circuits of the file, and an outlet per connector of every adopted station.

The installer's fallbacks are checked anew each time (statement S2), because a station may turn out to have more
connectors than was written, or to follow no limit. What does not fit then is mended at once: the lowest class gets a
fallback of 0, and `lowered` and `notes` say so. Refusing is for the door (`configuration_safety`), not for here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from gateway.configuration import Configuration, StationSettings
from gateway.configuration_outlets import NOT_TRIED, circuits_of, odd_settings, outlets_of, why_unlimited
from gateway.model.circuits import Circuit, Outlet
from gateway.model.identities import StationId
from gateway.model.limiting import Limiting
from gateway.operations.known_stations import is_known, settings_in_force
from gateway.operations.site import Site
from gateway.rules.capabilities import whole_number
from gateway.rules.safe_assumptions import FallbackCheck, check_fallbacks
from gateway.store import configuration_keys, connectors, stations
from gateway.store.writing import Writing

__all__ = ["SitePlan", "find_connectors", "find_plan", "find_stations", "plan_site"]

MOST_CONNECTORS = 100  # what says that it has more is not believed


@dataclass(frozen=True, slots=True)
class SitePlan:
    """What `decide()` works with. `check` is that of the settings as they are, before fallbacks were `lowered`.

    `lowered`: keys of the outlets whose fallback counts as 0. `notes`: what people should know, one sentence each: who
    cannot be limited and why, whose fallback was lowered, which settings no longer agree with the file.
    """

    circuits: tuple[Circuit, ...]
    outlets: tuple[Outlet, ...]
    check: FallbackCheck
    lowered: tuple[str, ...]
    notes: tuple[str, ...] = ()


def plan_site(
    configuration: Configuration,
    stations: Mapping[StationId, StationSettings],
    connectors: Mapping[StationId, Iterable[int]],
    limiting: Mapping[StationId, Limiting],
) -> SitePlan:
    """The plan of these adopted stations; of one that is not in `connectors`, or tells none, its setting counts."""
    circuits = circuits_of(configuration)
    outlets: list[Outlet] = []
    notes: list[str] = []
    for station, settings in sorted(stations.items()):
        told = set(connectors.get(station, ())) or set(range(1, settings.connectors + 1))
        known = limiting.get(station, NOT_TRIED)
        own = outlets_of(configuration, settings, told, known)
        outlets += own
        if own:
            notes += odd_settings(configuration, settings)
            if reason := why_unlimited(configuration, settings, known, connectors=len(told)):
                notes.append(f"{station} cannot be limited ({reason}): it counts with max_amps")
    check = check_fallbacks(circuits, outlets)
    lowered = () if check.fits else check.to_zero
    if not check.fits:
        notes.append(check.text)
    safe = tuple(replace(each, fallback_amps=0.0) if each.key in lowered else each for each in outlets)
    return SitePlan(circuits, safe, check, lowered, tuple(notes))


def find_plan(db: Writing, site: Site, limiting: Mapping[StationId, Limiting]) -> SitePlan:
    """The plan as of now, inside a unit of work."""
    known = find_stations(db, site.configuration)
    return plan_site(site.configuration, known, find_connectors(db, known), limiting)


def find_stations(db: Writing, configuration: Configuration) -> dict[StationId, StationSettings]:
    """The settings in force of every adopted station that a circuit feeds."""
    rows = stations.every(db)
    in_file = [StationId(written.id) for written in configuration.stations]
    adopted = [one for one, row in rows.items() if row.admission == "accepted" and is_known(configuration, one, row)]
    settings = {
        station: settings_in_force(configuration, station, rows.get(station))
        for station in dict.fromkeys((*in_file, *adopted))
    }
    return {station: each for station, each in settings.items() if each.circuit is not None}


def find_connectors(db: Writing, known: Mapping[StationId, StationSettings]) -> dict[StationId, set[int]]:
    """The connectors of those stations that told any: as many as they say, or are set, and all that told a status."""
    told = {
        one: whole_number(value) for one, value in configuration_keys.values_of_all(db, "NumberOfConnectors").items()
    }
    seen = connectors.numbers(db)
    found: dict[StationId, set[int]] = {}
    for station, settings in known.items():
        count = told.get(station) or 0
        if not 0 < count <= MOST_CONNECTORS:
            count = settings.connectors  # it did not tell, or nonsense
        if station in told or station in seen:
            found[station] = set(range(1, count + 1)) | seen.get(station, set())
    return found
