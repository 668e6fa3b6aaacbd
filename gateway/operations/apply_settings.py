"""Settings that changed at run time reach the open connection, so that nobody has to reconnect for them.

Credentials and the security profile count from the next connection on: this one has proved itself under the old ones.
"""

from __future__ import annotations

from gateway.model.identities import StationId
from gateway.operations.provision_stations import settings_in_force
from gateway.operations.site import Site
from gateway.operations.welcome_station import treatment_of
from gateway.store import reports_stations


async def apply_settings(site: Site, station: str) -> None:
    """Treat the connected station as its settings in force say, and as accepted as soon as it is adopted."""
    row = (await reports_stations.rows_of(site.readers, [station])).get(station)
    connection = site.connected.get(StationId(station))
    if connection is not None:
        settings = settings_in_force(site.configuration, station, row)
        pending = row is not None and row.admission == "pending"
        connection.treatment = treatment_of(
            site.configuration, settings, pending=pending, profile=connection.proof.profile
        )
