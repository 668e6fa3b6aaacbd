"""Stations as people see them: what the store remembers, what the file says, and who is connected this moment.

A page of stations costs a handful of queries however many connectors they have.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Sequence
from dataclasses import asdict

from gateway.model.identities import StationId
from gateway.model.instants import Instant, seconds_later, text_of
from gateway.ocpp.repair import QUIRKS
from gateway.operations.known_settings import find_capabilities, find_settings_of
from gateway.operations.provision_stations import is_known, settings_from_file, settings_in_force
from gateway.operations.site import Site
from gateway.store import reports_reservations, reports_stations, reports_transactions
from gateway.store.stations import StationRow

Document = dict[str, object]

# Every quirk that is counted, in words: those of messages, and those of connecting (`welcome_station`).
DESCRIPTIONS = {**QUIRKS, "hex_password": "The password was sent as hexadecimal text instead of its bytes."}

_SAID_OF_ITSELF = (
    "vendor", "model", "serial_number", "box_serial_number", "firmware_version", "iccid", "imsi", "meter_type",
    "meter_serial",
)  # fmt: skip


async def describe_stations(site: Site, *, after: str, limit: int) -> list[Document]:
    """Known stations in order of their ids, beginning after `after`."""
    remembered = {station for station, origin in await reports_stations.known(site.readers) if origin != "file"}
    names = remembered | {written.id for written in site.configuration.stations}
    return await _describe(site, heapq.nsmallest(limit, (name for name in names if name > after)))


async def describe_station(site: Site, station: str) -> Document | None:
    """One station with its configuration keys and what follows from them; None when it is unknown."""
    if not await is_known_station(site, station):
        return None
    (document,) = await _describe(site, [station])
    settings, capabilities = await site.database.write(
        lambda db: (find_settings_of(db, site, station), find_capabilities(db, StationId(station)))
    )
    return {
        **document,
        "configuration": await reports_stations.configuration_keys(site.readers, station),
        "desired_configuration_in_force": dict(settings.desired),
        "settings_drift": [asdict(one) for one in settings.drifts],
        "reboot_required": any(key.reboot_required for key in settings.known.reported.values()),
        "capabilities": asdict(capabilities),
    }


async def is_known_station(site: Site, station: str) -> bool:
    """True when this station is known."""
    row = (await reports_stations.rows_of(site.readers, [station])).get(station)
    return is_known(site.configuration, station, row)


async def count_stations(site: Site) -> tuple[list[str], int]:
    """(known station ids in order, how many of the connected ones are not known)."""
    remembered = {station for station, origin in await reports_stations.known(site.readers) if origin != "file"}
    names = remembered | {written.id for written in site.configuration.stations}
    return sorted(names), len(site.connected.all().keys() - names)


async def _describe(site: Site, names: Sequence[str]) -> list[Document]:
    rows = await reports_stations.rows_of(site.readers, names)
    connectors = await reports_stations.connectors(site.readers, names)
    quirks = await reports_stations.quirks(site.readers, names)
    reserved = await reports_reservations.in_force(site.readers, names, site.wall_clock())
    running = await reports_transactions.running(site.readers, names)
    return [
        {
            "id": name,
            "station": name,
            **_standing(site, name, rows.get(name)),
            **_connection(site, name),
            "connectors": connectors.get(name, []),
            "running_transactions": running.get(name, []),
            "reservations": reserved.get(name, []),
            "quirks": _quirks(site, name, quirks.get(name, [])),
            **_said_of_itself(rows.get(name)),
        }
        for name in names
    ]


def _standing(site: Site, station: str, row: StationRow | None) -> Document:
    """How the station came here and which settings hold for it."""
    written = settings_from_file(site.configuration, station)
    settings = settings_in_force(site.configuration, station, row)
    values = asdict(settings)
    del values["id"], values["password_file"]
    values["connectors_setting"] = values.pop("connectors")  # `connectors` are those that told their status
    pending = row is not None and row.admission == "pending" and written is None
    return {
        "origin": "file" if written else row.origin if row else "file",
        "admission": "pending" if pending else "accepted",
        **values,
        "changed_settings": sorted(row.run_time_values()) if row else [],
        "has_password": settings.password_file is not None or (row is not None and row.password_hash is not None),
    }


def _connection(site: Site, station: str) -> Document:
    connection = site.connected.get(StationId(station))
    if connection is None:
        return {"connected": False, "since": None, "address": None, "last_message_at": None}
    silent_seconds = asyncio.get_running_loop().time() - connection.last_message_at
    return {
        "connected": True,
        "since": text_of(connection.since),
        "address": connection.address,
        "last_message_at": text_of(seconds_later(site.wall_clock(), -silent_seconds)),
    }


def _said_of_itself(row: StationRow | None) -> Document:
    document: Document = {name: getattr(row, name) if row else None for name in _SAID_OF_ITSELF}
    document["booted_at"] = _text(row.booted_at) if row else None
    document["last_connected_at"] = _text(row.connected_at) if row else None
    document["clock_offset_ms"] = row.clock_offset_ms if row else None
    return document


def _text(instant: Instant | None) -> str | None:
    return None if instant is None else text_of(instant)


def _quirks(site: Site, station: str, stored: Sequence[Document]) -> list[Document]:
    """What is stored, and what was seen since it was last stored."""
    fresh = {quirk: times for (name, quirk), times in site.quirks_seen.items() if name == station}
    found = [
        _quirk(str(old["quirk"]), int(str(old["times"])) + fresh.pop(str(old["quirk"]), 0), old["last_seen"])
        for old in stored
    ]
    return found + [_quirk(quirk, times, text_of(site.wall_clock())) for quirk, times in sorted(fresh.items())]


def _quirk(quirk: str, times: int, last_seen: object) -> Document:
    return {"quirk": quirk, "times": times, "last_seen": last_seen, "description": DESCRIPTIONS.get(quirk, "")}
