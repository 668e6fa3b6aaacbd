"""The site as load limits see it: circuits of the file, and an outlet per connector of every adopted station.

The installer's fallbacks are checked anew each time (statement S2), because a station may turn out to have more
connectors than was written, or to follow no limit. What does not fit then is mended at once: the lowest class gets a
fallback of 0, and `lowered` and `notes` say so. Refusing is for the door (`configuration_safety`), not for here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from gateway.configuration import Configuration, StationSettings
from gateway.configuration_outlets import NOT_TRIED, circuits_of, odd_settings, outlets_of, why_unlimited
from gateway.configuration_safety import Unsafe, find_unsafe
from gateway.model.circuits import Circuit, Outlet, mistakes_of_site
from gateway.model.identities import StationId
from gateway.model.limiting import Limiting
from gateway.operations.known_stations import is_known, settings_in_force
from gateway.operations.site import Site
from gateway.rules.capabilities import whole_number, yes_or_no
from gateway.rules.safe_assumptions import FallbackCheck, check_fallbacks
from gateway.store import configuration_keys, connectors, stations
from gateway.store.writing import Writing

__all__ = ["SitePlan", "find_plan", "find_unsafe_change", "plan_site"]

MOST_CONNECTORS = 99  # of one station; what says that it has more is not believed, and our profiles' ids end there


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
    *,
    switching: Collection[StationId] = (),
) -> SitePlan:
    """The plan of these adopted stations; of one that is not in `connectors`, or tells none, its setting counts.

    `switching`: the stations that can switch between one phase and three.
    """
    circuits = circuits_of(configuration)
    outlets, reasons = _outlets(configuration, stations, connectors, limiting)
    check = check_fallbacks(circuits, outlets)
    lowered = () if check.fits else check.to_zero
    safe = tuple(
        replace(
            each,
            fallback_amps=0.0 if each.key in lowered else each.fallback_amps,
            switches_phases=each.station in switching and len(each.phase_rotation) == 3,
        )
        for each in outlets
    )
    notes = [
        *(note for settings in stations.values() for note in odd_settings(configuration, settings)),
        *(f"{station} cannot be limited ({why}): it counts with max_amps" for station, why in reasons.items()),
        *(() if check.fits else (check.text,)),
        *mistakes_of_site(circuits, safe),  # there are none, whatever the settings
    ]
    return SitePlan(circuits, safe, check, lowered, tuple(notes))


def find_unsafe_change(
    db: Writing, configuration: Configuration, settings: StationSettings, limiting: Mapping[StationId, Limiting]
) -> tuple[Unsafe, ...]:
    """Why the site would not be safe with these settings of one station; what it was not safe with before is no reason.

    The station counts as adopted, and is fed by a circuit.
    """
    known = find_stations(db, configuration)
    before, _ = _outlets(configuration, known, find_connectors(db, known), limiting)
    changed = {**known, StationId(settings.id): settings}
    after, reasons = _outlets(configuration, changed, find_connectors(db, changed), limiting)
    return find_unsafe(configuration, after, reasons, before=check_fallbacks(circuits_of(configuration), before))


def _outlets(
    configuration: Configuration,
    stations: Mapping[StationId, StationSettings],
    connectors: Mapping[StationId, Iterable[int]],
    limiting: Mapping[StationId, Limiting],
) -> tuple[tuple[Outlet, ...], dict[str, str]]:
    """The connectors of all stations, and by station why it can be held to no limit, where that is so."""
    outlets: list[Outlet] = []
    reasons: dict[str, str] = {}
    for station, settings in sorted(stations.items()):
        told = set(connectors.get(station, ())) or set(range(1, settings.connectors + 1))
        known = limiting.get(station, NOT_TRIED)
        own = outlets_of(configuration, settings, told, known)
        outlets += own
        reason = why_unlimited(configuration, settings, known, connectors=len(told))
        if own and reason:
            reasons[station] = reason
    return tuple(outlets), reasons


def find_plan(db: Writing, site: Site, limiting: Mapping[StationId, Limiting]) -> SitePlan:
    """The plan as of now, inside a unit of work."""
    known = find_stations(db, site.configuration)
    told = configuration_keys.values_of_all(db, "ConnectorSwitch3to1PhaseSupported")
    switching = {station for station, value in told.items() if yes_or_no(value)}
    return plan_site(site.configuration, known, find_connectors(db, known), limiting, switching=switching)


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
            every = set(range(1, count + 1)) | seen.get(station, set())
            found[station] = {number for number in every if number <= MOST_CONNECTORS}
    return found
