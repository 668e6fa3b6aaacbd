"""The daemon's configuration: gateway.toml and conf.d/*.toml read, checked against themselves, completed.

Either a whole `Configuration` comes back or every mistake at once; nothing in between.
This file does not know the machine: whether ports are free and files readable is `provisioning_check`'s question.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from gateway.configuration_agreement import report_disagreements
from gateway.configuration_files import (
    ConfigurationMistakes,
    Mistake,
    Node,
    Place,
    format_mistakes,
    is_written,
    merged,
    parse_file,
    value_of,
)
from gateway.configuration_keys import (
    Certificate,
    Circuit,
    Configuration,
    Data,
    Firmware,
    Load,
    Log,
    Meter,
    Ocpp,
    Retention,
    RtuTransport,
    ScheduledLimit,
    SerialTransport,
    Site,
    StationModel,
    StationSettings,
    TcpTransport,
    Tls,
    Upstream,
    Web,
)
from gateway.configuration_outlets import limit_of
from gateway.configuration_reading import Reader

__all__ = [
    "Certificate",
    "Circuit",
    "Configuration",
    "ConfigurationMistakes",
    "Data",
    "Firmware",
    "Load",
    "Log",
    "Meter",
    "Mistake",
    "Ocpp",
    "Retention",
    "RtuTransport",
    "ScheduledLimit",
    "SerialTransport",
    "Site",
    "StationModel",
    "StationSettings",
    "TcpTransport",
    "Tls",
    "Upstream",
    "Web",
    "data_directory_of",
    "format_mistakes",
    "load_configuration",
    "read_secret",
]


def load_configuration(path: Path | None, *, environment: Mapping[str, str] = os.environ) -> Configuration:
    """The file, then `conf.d/*.toml` beside it in lexical order; None: safe defaults. Raises ConfigurationMistakes."""
    if path is None:
        return Configuration(site=Site(id="site"))
    files = _files_of(path)
    parsed = [parse_file(file) for file in files]
    unparsed = [one for one in parsed if isinstance(one, Mistake)]
    tree = Node({}, Place(str(path), ""))
    for node in parsed:
        tree = merged(tree, node) if isinstance(node, Node) else tree
    reader = Reader(folder=path.parent.absolute(), environment=environment, report_missing=not unparsed)
    configuration = reader.read(Configuration, tree)
    if not unparsed:
        report_disagreements(configuration, tree, reader.report)
    if unparsed or reader.mistakes:
        raise ConfigurationMistakes((*unparsed, *_in_reading_order(reader.mistakes, files)))
    completed = _completed(replace(configuration, written=tree))
    if unsafe := _unsafe(completed):
        raise ConfigurationMistakes(tuple(_in_reading_order(unsafe, files)))
    return completed


def data_directory_of(path: Path) -> Path | None:
    """[data] directory of files that hold mistakes; None when even that cannot be told."""
    written = [node for file in _files_of(path) if isinstance(node := parse_file(file), Node)]
    tree = Node({}, Place(str(path), ""))
    for node in written:
        tree = merged(tree, node)
    if not is_written(tree, "data", "directory"):
        return Data().directory
    directory = value_of(tree, "data", "directory")
    return path.parent.absolute() / directory if isinstance(directory, str) else None


def _files_of(path: Path) -> list[Path]:
    """The file, unless there are only others beside it; then those."""
    beside = sorted((path.parent / "conf.d").glob("*.toml"))
    return [path, *beside] if path.exists() or not beside else beside


def read_secret(path: Path) -> bytes:
    """The secret's bytes without the one line end that editors add (LF or CR LF); OSError when unreadable."""
    content = path.read_bytes()
    return content[:-2] if content.endswith(b"\r\n") else content.removesuffix(b"\n")


def _in_reading_order(mistakes: list[Mistake], files: list[Path]) -> list[Mistake]:
    position = {str(file): index for index, file in enumerate(files)}
    return sorted(mistakes, key=lambda mistake: (position.get(mistake.place.file, -1), mistake.place.line or 0))


def _unsafe(configuration: Configuration) -> list[Mistake]:
    """What could not be safe without the gateway; a site without circuits does not even load that question."""
    if not configuration.circuits:
        return []
    from gateway.configuration_safety import unsafe_in_file

    return [Mistake(place=place, expected=expected, got=got) for place, expected, got in unsafe_in_file(configuration)]


def _completed(configuration: Configuration) -> Configuration:
    """With the defaults that depend on other keys."""
    upstreams = (
        up if up.port is not None else replace(up, port=8883 if up.tls else 1883) for up in configuration.upstreams
    )
    stations = (
        replace(station, security_profile=1)
        if station.password_file and not is_written(configuration.written, "station", position, "security_profile")
        else station
        for position, station in enumerate(configuration.stations)
    )
    circuits = (_with_background(circuit) for circuit in configuration.circuits)
    return replace(configuration, upstreams=tuple(upstreams), stations=tuple(stations), circuits=tuple(circuits))


def _with_background(circuit: Circuit) -> Circuit:
    if circuit.background_worst_amps is not None:
        return circuit
    one, two, three = limit_of(circuit)
    worst = (one / 2, two / 2, three / 2) if circuit.meter else (0.0, 0.0, 0.0)
    return replace(circuit, background_worst_amps=worst)
