"""A station that came back and says nothing of its connectors, or never said what it is, is asked once per connection.

Many stations send neither BootNotification nor StatusNotification when they reconnect (OCPP-J 1.6 5.4 asks for none);
what is known of their connectors may then be hours old. A boot is never asked for once one was accepted (errata 3.40).
"""

from __future__ import annotations

from gateway.model.identities import StationId
from gateway.model.instants import SECOND
from gateway.operations.ask_by_itself import LookAgain, ask
from gateway.operations.known_settings import find_capabilities
from gateway.operations.orders import GATEWAY
from gateway.operations.site import Site
from gateway.store import commands, connectors, stations
from gateway.store.writing import Writing

# Stations may tell a status late, and after many others.
PATIENCE_SECONDS = 60.0


async def ask_for_status(site: Site, station: StationId) -> None:
    """TriggerMessage for what the station has not told since it connected."""
    connection = site.connected.get(station)
    if connection is None:
        return
    since = connection.since

    def unit(db: Writing) -> list[str]:
        if commands.asked_since(db, station, actions=("TriggerMessage",), since=since, actor=GATEWAY):
            return []
        row = stations.find(db, station)
        told = any(state.received_at >= since for state in connectors.all_of_station(db, station).values())
        wanted = []
        if row is not None and row.booted_at is None:
            wanted.append("BootNotification")
        if not told:
            wanted.append("StatusNotification")
        capabilities = find_capabilities(db, station)
        if capabilities.has_profile("RemoteTrigger") is False or "TriggerMessage" in capabilities.unsupported:
            return []
        return [one for one in wanted if f"TriggerMessage {one}" not in capabilities.unsupported]

    missing = await site.database.write(unit)
    connected_seconds = (site.wall_clock() - since) / SECOND
    if missing and connected_seconds < PATIENCE_SECONDS:
        raise LookAgain(PATIENCE_SECONDS - max(connected_seconds, 0.0) + 1)
    for message in missing:
        if await ask(site, station, "TriggerMessage", {"requestedMessage": message}) is None:
            return
