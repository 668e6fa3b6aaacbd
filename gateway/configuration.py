"""The daemon's configuration: site.toml, gateway.toml and conf.d/*.toml read, checked against themselves, completed.

Either a whole `Configuration` comes back or every mistake at once; nothing in between.
This file does not know the machine: whether ports are free and files readable is `provisioning_check`'s question.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from gateway.configuration_agreement import report_disagreements
from gateway.configuration_decided import beneath, decided_in, keys_of, tree_of
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
    BUILT_IN,
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
    "read_table",
]

T = TypeVar("T")


def load_configuration(
    path: Path | None, *, environment: Mapping[str, str] = os.environ, decided: str | None = None
) -> Configuration:
    """The file, then `conf.d/*.toml` beside it in lexical order, and site.toml of the data directory beneath them all.

    None: safe defaults and site.toml. A site.toml with mistakes is left out whole, unless its text is given with
    `decided`. Raises ConfigurationMistakes.
    """
    written = _written_in(path)
    directory = _directory_in(written)
    lower = decided_in(directory, decided) if directory is not None else None
    if lower is None:
        return _read(written, environment)
    try:
        if isinstance(lower, Mistake):
            raise ConfigurationMistakes((lower,))
        return _read(written, environment, lower)
    except ConfigurationMistakes as wrong:
        if decided is not None:
            raise
        return _without_site_file(written, environment, wrong)


@dataclass(frozen=True, slots=True)
class _Written:
    """What an administrator wrote; without any file there is no `path`."""

    path: Path | None
    files: tuple[Path, ...]
    tree: Node
    unparsed: tuple[Mistake, ...]

    @property
    def folder(self) -> Path:
        """Where relative paths begin."""
        return self.path.parent.absolute() if self.path is not None else Data().directory


def _written_in(path: Path | None) -> _Written:
    if path is None:
        return _Written(None, (), Node({}, BUILT_IN), ())
    files = _files_of(path)
    parsed = [parse_file(file) for file in files]
    tree = Node({}, Place(str(path), ""))
    for node in parsed:
        tree = merged(tree, node) if isinstance(node, Node) else tree
    return _Written(path, tuple(files), tree, tuple(one for one in parsed if isinstance(one, Mistake)))


def _directory_in(written: _Written) -> Path | None:
    if not is_written(written.tree, "data", "directory"):
        return Data().directory
    directory = value_of(written.tree, "data", "directory")
    return written.folder / directory if isinstance(directory, str) else None


def _read(written: _Written, environment: Mapping[str, str], lower: Node | None = None) -> Configuration:
    tree = beneath(lower, written.tree) if lower is not None else written.tree
    files = [*written.files] if lower is None else [Path(lower.place.file), *written.files]
    reader = Reader(folder=written.folder, environment=environment, report_missing=not written.unparsed)
    configuration = reader.read(Configuration, tree if written.path is not None else _with_an_id(tree))
    if not written.unparsed:
        report_disagreements(configuration, tree, reader.report)
    if written.unparsed or reader.mistakes:
        raise ConfigurationMistakes((*written.unparsed, *_in_reading_order(reader.mistakes, files)))
    decided = tuple(place.key for place in keys_of(lower)) if lower is not None else ()
    completed = _completed(replace(configuration, written=tree, decided=decided))
    if unsafe := _unsafe(completed):
        raise ConfigurationMistakes(tuple(_in_reading_order(unsafe, files)))
    return completed


def _with_an_id(tree: Node) -> Node:
    """Where no administrator wrote anything, the site is called something all the same."""
    return merged(Node({"site": Node({"id": Node("site", BUILT_IN)}, BUILT_IN)}, BUILT_IN), tree)


def _without_site_file(
    written: _Written, environment: Mapping[str, str], wrong: ConfigurationMistakes
) -> Configuration:
    try:
        alone = _read(written, environment)
    except ConfigurationMistakes:
        raise wrong from None  # everything to mend, also that in site.toml
    return replace(alone, left_out=wrong.mistakes)


def read_table(shape: type[T], table: Mapping[str, object]) -> T:
    """One table that stands in no file, such as a [[meter]] to be tried. Raises ConfigurationMistakes."""
    reader = Reader(folder=Path("/"), environment={}, report_missing=True)
    found = reader.read(shape, tree_of(table, "(request)"))
    if reader.mistakes:
        raise ConfigurationMistakes(tuple(reader.mistakes))
    return found


def data_directory_of(path: Path) -> Path | None:
    """[data] directory of files that hold mistakes; None when even that cannot be told."""
    return _directory_in(_written_in(path))


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
