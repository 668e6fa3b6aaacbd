"""How far a site is set up: what is decided and by whom, where stations connect, who knocked, what is still to do.

A value that the files of an administrator give is fixed: people are told the file, and the setup page cannot change
it. What a good value is, is the configuration's question.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from gateway.configuration import Circuit, Configuration, Meter
from gateway.configuration_decided import FILE_NAME
from gateway.configuration_files import Step, is_written, place_of
from gateway.meters.catalog import find_model
from gateway.model.identities import StationId
from gateway.model.instants import text_of
from gateway.operations.describe_stations import count_stations
from gateway.operations.machine_names import addresses_of_this_machine
from gateway.operations.site import Site
from gateway.store import reports_stations

Document = dict[str, object]

VALUES: dict[str, tuple[str, str]] = {
    "id": ("site", "id"),
    "name": ("site", "name"),
    "timezone": ("site", "timezone"),
    "unknown_stations": ("ocpp", "unknown_stations"),
    "unknown_tags": ("ocpp", "unknown_tags"),
}
_MOST_KNOCKS = 100


async def setup_document(site: Site) -> Document:
    """Everything that the first steps of a site show."""
    configuration = site.configuration
    known, _ = await count_stations(site)
    connected = sum(1 for station in known if site.connected.is_connected(StationId(station)))
    main = main_circuit(configuration)
    steps = _steps(site, known=len(known))
    return {
        "site": {name: _value(configuration, *where) for name, where in VALUES.items()},
        "station_addresses": await asyncio.to_thread(station_addresses, configuration),
        "clock": clock_document(site),
        "meters": [_meter(configuration, at) for at in range(len(configuration.meters))],
        "main_circuit": _circuit(configuration, configuration.circuits.index(main)) if main is not None else None,
        "circuits": [
            _circuit(configuration, at) for at, one in enumerate(configuration.circuits) if one.parent is not None
        ],
        "stations": {"known": len(known), "connected": connected},
        "knocks": [_knock(knock) for knock in await reports_stations.knocks(site.readers, limit=_MOST_KNOCKS)],
        "can_change": site.reloads.reload is not None,
        "file": str(configuration.data.directory / FILE_NAME),
        "left_out": [str(mistake) for mistake in configuration.left_out],
        "complete": all(step["done"] for step in steps if step["required"]),
        "steps": steps,
    }


def main_circuit(configuration: Configuration) -> Circuit | None:
    """The circuit above all others."""
    return next((circuit for circuit in configuration.circuits if circuit.parent is None), None)


def file_that_fixes(configuration: Configuration, *where: Step) -> str | None:
    """The file of an administrator that gives this value; None when the setup may change it."""
    if not is_written(configuration.written, *where):
        return None
    file = place_of(configuration.written, *where).file
    return None if Path(file) == configuration.data.directory / FILE_NAME else file


def station_addresses(configuration: Configuration) -> list[str]:
    """What to type into stations, before their identity, for each address of this machine; with TLS also those."""
    ocpp = configuration.ocpp
    every = ocpp.host in ("", "0.0.0.0", "::")
    hosts = addresses_of_this_machine() if every else [f"[{ocpp.host}]" if ":" in ocpp.host else ocpp.host]
    plain = [f"ws://{host}:{ocpp.port}/ocpp/" for host in hosts]
    return plain + ([f"wss://{host}:{ocpp.tls.port}/ocpp/" for host in hosts] if ocpp.tls is not None else [])


def meter_document(meter: Meter) -> Document:
    """A meter as the setup takes it."""
    transport = {one.name: getattr(meter.transport, one.name) for one in fields(meter.transport)}
    return {
        "name": meter.name,
        "model": meter.model,
        "transport": {key: str(value) if isinstance(value, Path) else value for key, value in transport.items()},
        "interval_seconds": meter.interval_seconds,
        "may_export": meter.may_export,
        "inverted": meter.inverted,
    }


def circuit_document(circuit: Circuit) -> Document:
    """A circuit as the setup takes it."""
    return {
        "name": circuit.name,
        "limit_amps": list(circuit.limit_amps),
        "parent": circuit.parent,
        "meter": circuit.meter,
        "limit_watts": circuit.limit_watts,
        "unbalance_limit_amps": circuit.unbalance_limit_amps,
    }


def _origin(configuration: Configuration, *where: Step) -> Document:
    """`default`, `wizard` (site.toml) or `file`, which is fixed."""
    file = file_that_fixes(configuration, *where)
    decided = is_written(configuration.written, *where)
    origin = "file" if file is not None else "wizard" if decided else "default"
    return {"origin": origin, "fixed": file is not None, "file": file}


def _value(configuration: Configuration, section: str, key: str) -> Document:
    return {"value": getattr(getattr(configuration, section), key), **_origin(configuration, section, key)}


def _meter(configuration: Configuration, position: int) -> Document:
    meter = configuration.meters[position]
    model = find_model(meter.model)
    return {
        **meter_document(meter),
        "title": model.title if model is not None else None,
        **_origin(configuration, "meter", position),
    }


def _circuit(configuration: Configuration, position: int) -> Document:
    return {**circuit_document(configuration.circuits[position]), **_origin(configuration, "circuit", position)}


def _knock(knock: Document) -> Document:
    return {
        "station": knock["station"],
        "address": knock["address"],
        "last_time": knock["last_seen"],
        "count": knock["times"],
        "reason": "unknown_station",
    }


def clock_document(site: Site) -> Document:
    """What time it is here, and how good that is; the error is a bound in milliseconds."""
    clock = site.clock_quality()
    return {
        "time": text_of(site.wall_clock()),
        "quality": clock.quality,
        "synchronised": clock.quality != "unsynced",
        "error_ms": None if clock.quality == "unsynced" else clock.error_ms,
    }


def _steps(site: Site, *, known: int) -> Sequence[Document]:
    configuration = site.configuration
    named = is_written(configuration.written, "site", "id")
    kept = site.clock_quality().quality != "unsynced"
    return [
        _step("site", named, "Give the site a name and its time zone", required=True),
        _step("clock", kept, "Let a time service keep this machine's clock"),
        _step("meter", bool(configuration.meters), "Add the meter at the grid connection"),
        _step("main_circuit", bool(configuration.circuits), "Enter the main fuse", required=True),
        _step("stations", known > 0, "Let the first station in", required=True),
    ]


def _step(step: str, done: bool, text: str, *, required: bool = False) -> Document:
    return {"step": step, "done": done, "required": required, "text": text}
