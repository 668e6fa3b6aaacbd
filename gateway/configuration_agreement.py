"""What no single key can say: names are unique, references lead somewhere, circuits form one tree, bounds agree.

Each check reports at the key that the installer would change.
This file does not know the machine (provisioning_check) and reads nothing.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Protocol

from gateway.configuration_files import Node, Place, Step, is_written, place_of, quoted
from gateway.configuration_keys import (
    Circuit,
    Configuration,
    RtuTransport,
    ScheduledLimit,
    SerialTransport,
    StationSettings,
    TcpTransport,
)
from gateway.configuration_outlets import limit_of


class Report(Protocol):
    """Takes one mistake; a key that already has one keeps its first."""

    def __call__(self, place: Place, *, expected: str, got: str) -> None: ...


def report_disagreements(configuration: Configuration, tree: Node, report: Report) -> None:
    """Every disagreement between keys; values that were themselves mistaken are stand-ins and stay silent."""
    for where, expected, got in _disagreements(configuration, tree):
        report(place_of(tree, *where), expected=expected, got=got)


def listeners(configuration: Configuration) -> list[tuple[tuple[Step, ...], str, int]]:
    """Every port the daemon listens on, as (key, host, port); port 0 (any free port) included."""
    ocpp, web, firmware = configuration.ocpp, configuration.web, configuration.firmware
    found: list[tuple[tuple[Step, ...], str, int]] = [(("ocpp", "port"), ocpp.host, ocpp.port)]
    if ocpp.tls:
        found.append((("ocpp", "tls", "port"), ocpp.host, ocpp.tls.port))
    found.append((("web", "port"), web.host, web.port))
    found.append((("firmware", "port"), firmware.host, firmware.port))
    if firmware.tls_port is not None:
        found.append((("firmware", "tls_port"), firmware.host, firmware.tls_port))
    if firmware.ftp_port is not None:
        found.append((("firmware", "ftp_port"), firmware.host, firmware.ftp_port))
    return found


Disagreement = tuple[tuple[Step, ...], str, str]


def _disagreements(configuration: Configuration, tree: Node) -> Iterator[Disagreement]:
    yield from _ports_twice(configuration)
    yield from _firmware(configuration)
    yield from _upstreams(configuration)
    for section, names in (
        ("upstream", [upstream.name for upstream in configuration.upstreams]),
        ("meter", [meter.name for meter in configuration.meters]),
        ("circuit", [circuit.name for circuit in configuration.circuits]),
    ):
        yield from _names_twice(section, names)
    yield from _meter_lines(configuration)
    yield from _circuits(configuration)
    yield from _schedules(configuration, tree)
    yield from _station_identities(configuration)
    yield from _station_load(configuration)
    yield from _keys_twice(configuration)


def _ports_twice(configuration: Configuration) -> Iterator[Disagreement]:
    taken: list[tuple[str, str, int]] = []
    for where, host, port in listeners(configuration):
        other = next((name for name, at, used in taken if port and used == port and _same_interface(host, at)), None)
        if other:
            yield where, f"another port than {other}", str(port)
        taken.append((".".join(str(step) for step in where), host, port))


def _same_interface(one: str, other: str) -> bool:
    return one == other or any(_is_every_interface(host) for host in (one, other))


def _is_every_interface(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


def _firmware(configuration: Configuration) -> Iterator[Disagreement]:
    firmware = configuration.firmware
    if firmware.tls_port is not None and configuration.ocpp.tls is None:
        yield ("firmware", "tls_port"), "[ocpp.tls], whose certificates it shows", "none"
    ports = firmware.ftp_passive_ports
    if ports is not None and ports[0] > ports[1]:
        yield ("firmware", "ftp_passive_ports"), "the first port before the last", f"{ports[0]}, {ports[1]}"
    if firmware.transfer_scheme == "https" and firmware.tls_port is None:
        yield ("firmware", "transfer_scheme"), "tls_port for https", "none"
    if firmware.transfer_scheme in ("ftp", "ftps") and firmware.ftp_port is None:
        yield ("firmware", "transfer_scheme"), f"ftp_port for {firmware.transfer_scheme}", "none"


def _upstreams(configuration: Configuration) -> Iterator[Disagreement]:
    for position, upstream in enumerate(configuration.upstreams):
        where: tuple[Step, ...] = ("upstream", position)
        if upstream.chain and not upstream.key_file:
            yield (*where, "key_file"), "the key of chain", "nothing"
        if upstream.key_file and not upstream.chain:
            yield (*where, "chain"), "the certificate of key_file", "nothing"
        if not upstream.tls and (upstream.ca or upstream.chain or upstream.key_file):
            yield (*where, "tls"), "true, as certificates are given", "false"


def _names_twice(section: str, names: Sequence[str]) -> Iterator[Disagreement]:
    for position, name in enumerate(names):
        if name and name in names[:position]:
            yield (section, position, "name"), "a name that no other one has", quoted(name)


def _meter_lines(configuration: Configuration) -> Iterator[Disagreement]:
    """Meters on one serial line are set alike, and no two meters have the same address."""
    lines: dict[object, RtuTransport | SerialTransport] = {}
    addresses: set[object] = set()
    for position, meter in enumerate(configuration.meters):
        transport, where = meter.transport, ("meter", position, "transport")
        match transport:
            case TcpTransport(host=host, port=port, unit=unit):
                line, key, value = f"{host}:{port}", "unit", str(unit)
            case RtuTransport(device=device, unit=unit):
                line, key, value = str(device), "unit", str(unit)
            case SerialTransport(device=device):
                line, key, value = str(device), "device", quoted(str(device))
            case _:
                continue  # a stand-in: its mistake is reported already
        if not isinstance(transport, TcpTransport):
            first = lines.setdefault(line, transport)
            yield from _line_settings(where, transport, first)
            if type(transport) is not type(first):
                yield (*where, "device"), "a line of its own: a meter that talks by itself shares none", quoted(line)
        if (line, value) in addresses:
            yield (*where, key), "one that no other meter on this line has", value
        addresses.add((line, value))


def _line_settings(
    where: tuple[Step, ...], one: RtuTransport | SerialTransport, first: RtuTransport | SerialTransport
) -> Iterator[Disagreement]:
    if one.baudrate != first.baudrate:
        expected = f"{first.baudrate}, as the other meter on this line has"
        yield (*where, "baudrate"), expected, str(one.baudrate)
    if one.parity != first.parity:
        yield (*where, "parity"), f"{quoted(first.parity)}, as the other meter on this line has", quoted(one.parity)


def _circuits(configuration: Configuration) -> Iterator[Disagreement]:
    circuits = configuration.circuits
    meters = {meter.name for meter in configuration.meters}
    parents = {circuit.name: circuit.parent for circuit in circuits}
    top: Circuit | None = None
    seen: set[str] = set()
    for position, circuit in enumerate(circuits):
        if circuit.meter is not None and circuit.meter not in meters and "" not in meters:
            yield ("circuit", position, "meter"), _one_of("the name of a [[meter]]", meters), quoted(circuit.meter)
        where: tuple[Step, ...] = ("circuit", position, "parent")
        is_repeat = circuit.name in seen
        seen.add(circuit.name)
        if is_repeat:
            continue  # reported by its name; what its parent means is not known
        if circuit.parent is None:
            # a forgotten parent would take the circuit out of the main fuse's account
            if top is not None:
                yield where, f"a parent: the tree has one top, and {quoted(top.name)} is it", "nothing"
            top = top or circuit
        elif circuit.parent not in parents and "" not in parents:
            yield where, _one_of("the name of a [[circuit]]", parents), quoted(circuit.parent)
        elif _is_below_itself(circuit, parents):
            yield where, "a circuit that is not below this one", quoted(circuit.parent)


def _is_below_itself(circuit: Circuit, parents: dict[str, str | None]) -> bool:
    above = circuit.parent
    for _ in parents:
        if above == circuit.name:
            return True
        above = parents.get(above) if above else None
    return False


def _station_identities(configuration: Configuration) -> Iterator[Disagreement]:
    with_password = [bool(one.password_file) or one.security_profile in (1, 2) for one in configuration.stations]
    identities: list[tuple[tuple[Step, ...], str]] = [
        (("station", position, "id"), station.id) for position, station in enumerate(configuration.stations)
    ]
    for position, station in enumerate(configuration.stations):
        for index, alias in enumerate(station.aliases):
            identities.append((("station", position, "aliases", index), alias))
    seen: set[str] = set()
    for where, identity in identities:
        if identity and identity in seen:
            yield where, "an identity that is not taken", quoted(identity)
        elif ":" in identity and with_password[int(where[1])]:
            # RFC 7617 2: a user-id with a colon cannot be sent
            yield where, "an identity without `:`, as it logs in with a password", quoted(identity)
        seen.add(identity)


def _station_load(configuration: Configuration) -> Iterator[Disagreement]:
    circuits = {circuit.name for circuit in configuration.circuits}
    for position, station in enumerate(configuration.stations):
        if station.circuit is not None and station.circuit not in circuits and "" not in circuits:
            expected = _one_of("the name of a [[circuit]]", circuits)
            yield ("station", position, "circuit"), expected, quoted(station.circuit)
        for key, expected, got in disagreements_of_load(station):
            yield ("station", position, key), expected, got


def disagreements_of_load(station: StationSettings) -> Iterator[tuple[str, str, str]]:
    """Keys of load limits of one station that do not agree with each other: the key, what was expected, what is there.

    What only a station on a circuit must keep to is asked of no other.
    """
    most, fallback = f"max_amps ({station.max_amps:g})", f"{station.fallback_amps:g}"
    managed = station.circuit is not None
    if station.min_amps > station.max_amps:
        yield "min_amps", f"at most {most}", f"{station.min_amps:g}"
    elif managed and not station.min_amps:
        yield "min_amps", "more than 0", "0"
    if station.fallback_amps > station.max_amps:
        yield "fallback_amps", f"at most {most}", fallback
    elif managed and 0 < station.fallback_amps < station.min_amps <= station.max_amps:
        yield "fallback_amps", f"0, or at least min_amps ({station.min_amps:g})", fallback
    if station.load_mode == "C" and station.connectors > 1:
        got = f'"C" with {station.connectors} connectors'
        yield "load_mode", 'another than "C": one limit for the whole station serves one connector', got


def _schedules(configuration: Configuration, tree: Node) -> Iterator[Disagreement]:
    for position, circuit in enumerate(configuration.circuits):
        for index, entry in enumerate(circuit.schedule):
            where: tuple[Step, ...] = ("circuit", position, "schedule", index)
            if entry.start and entry.start == entry.to:
                yield (*where, "to"), 'another time than from ("24:00" for the end of the day)', quoted(entry.to)
            if entry.limit_amps is None and entry.limit_watts is None:
                if not is_written(tree, *where, "limit_watts"):  # else that is a mistake, and reported already
                    yield (*where, "limit_amps"), "limit_amps or limit_watts", "nothing"
            elif isinstance(circuit.limit_amps, tuple):  # else its own limit is one
                yield from _lower(where, entry, circuit)


def _lower(where: tuple[Step, ...], entry: ScheduledLimit, circuit: Circuit) -> Iterator[Disagreement]:
    """A scheduled limit lowers that of its circuit, on each phase."""
    limits = limit_of(circuit)
    for key, amps in (
        ("limit_amps", replace(entry, limit_watts=None)),
        ("limit_watts", replace(entry, limit_amps=None)),
    ):
        if getattr(entry, key) is None:
            continue
        above = [(own, most) for own, most in zip(limit_of(amps), limits, strict=True) if own > most + 1e-6]
        if above:
            unit = "" if key == "limit_amps" else " A per phase"
            most = min(limit for _, limit in above)
            got = f"{max(own for own, _ in above):g}{unit}"
            yield (*where, key), f"at most the limit of {quoted(circuit.name)} ({most:g} A per phase)", got


def _keys_twice(configuration: Configuration) -> Iterator[Disagreement]:
    """Configuration keys that differ in letter case alone: stations do not tell them apart."""
    for section, configurations in (
        ("station", [station.desired_configuration for station in configuration.stations]),
        ("station_model", [kind.desired_configuration for kind in configuration.station_models]),
    ):
        for position, keys in enumerate(configurations):
            for key in spelled_twice(keys):
                where: tuple[Step, ...] = (section, position, "desired_configuration", key)
                yield where, "each configuration key once, in whatever letter case", "another spelling of the same key"


def spelled_twice(keys: Iterable[str]) -> Iterator[str]:
    """Those keys that stood there before in another letter case."""
    seen: set[str] = set()
    for key in keys:
        if key.casefold() in seen:
            yield key
        seen.add(key.casefold())


def _one_of(what: str, names: Iterable[str]) -> str:
    known = ", ".join(quoted(name) for name in sorted(names))
    return f"{what} ({known})" if known else f"{what} (there is none)"
