"""Which stations are known, and which settings are in force for them: the file, beaten by what was set at run time.

How settings get there is not known here (`provision_stations`).
"""

from __future__ import annotations

from gateway.configuration import Configuration, StationSettings
from gateway.rules.station_settings import with_run_time_values
from gateway.store import stations
from gateway.store.stations import StationRow
from gateway.store.writing import Writing


def settings_from_file(configuration: Configuration, station: str) -> StationSettings | None:
    """The station's table in the file, or None."""
    return next((written for written in configuration.stations if written.id == station), None)


def effective_settings(configuration: Configuration, row: StationRow) -> StationSettings:
    """The settings in force for a station with a row: defaults, then the file, then run-time values."""
    return settings_in_force(configuration, row.station, row)


def settings_in_force(configuration: Configuration, station: str, row: StationRow | None) -> StationSettings:
    """The settings in force, whether or not the station has a row."""
    written = settings_from_file(configuration, station) or StationSettings(id=station)
    return with_run_time_values(written, row.run_time_values() if row else {})


def find_settings(db: Writing, configuration: Configuration, station: str) -> StationSettings:
    """The settings in force now, inside a unit of work."""
    return settings_in_force(configuration, station, stations.find(db, station))


def is_known(configuration: Configuration, station: str, row: StationRow | None) -> bool:
    """Is the station in the file, provisioned by the API, or admitted after a knock?"""
    if settings_from_file(configuration, station) is not None:
        return True
    return row is not None and row.origin != "file" and row.admission != "removed"
