"""What is worth knowing of certificates, meters and names in the configuration, and keeps nothing from working.

Each note is (where in the configuration, text). What keeps the daemon from its work is not decided here
(provisioning_check).
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator

from gateway.configuration import Configuration, SerialTransport, TcpTransport
from gateway.configuration_files import Step, quoted
from gateway.meters.catalog import find_model
from gateway.model.instants import Instant

Found = tuple[tuple[Step, ...], str]


def certificate_notes(configuration: Configuration) -> Iterator[Found]:
    """Notes, not mistakes: a certificate that has ended must not keep all the other stations from being served."""
    from gateway.operations.certificate_files import configured_files, dates_in_file, own_dates

    now = Instant(time.time_ns() // 1000)
    for where, kind, name, path in configured_files(configuration):
        for one in dates_in_file(kind, name, path, now):
            if one["warning"] is not None:
                yield where, str(one["warning"])
            elif kind == "client_ca" and not one["is_authority"]:
                yield where, f"{one['subject']} is no authority: no station's certificate can be checked with it"
    for one in own_dates(configuration, now):
        if one["warning"] is not None:
            yield ("data", "directory"), str(one["warning"])


def meter_notes(configuration: Configuration) -> Iterator[Found]:
    """What is odd about a meter's model or line."""
    with_limits = {circuit.meter for circuit in configuration.circuits}
    for position, meter in enumerate(configuration.meters):
        model = find_model(meter.model)
        if model is None:
            continue
        if model.status == "verify":
            yield ("meter", position, "model"), "its registers are not confirmed: compare the first readings"
        if not model.phase_currents and meter.name in with_limits:
            yield ("meter", position, "model"), "it tells no phase currents: it cannot hold a limit in amperes"
        if isinstance(meter.transport, SerialTransport) and meter.transport.baudrate != model.usual_baudrate:
            where = ("meter", position, "transport", "baudrate")
            yield where, f"{meter.transport.baudrate}: such meters usually talk at {model.usual_baudrate}"


def name_notes(configuration: Configuration, resolves: Callable[[str], bool]) -> Iterator[Found]:
    """Names of brokers and meters that have no address now."""
    named: list[tuple[tuple[Step, ...], str]] = [
        (("upstream", position, "host"), upstream.host) for position, upstream in enumerate(configuration.upstreams)
    ]
    for position, meter in enumerate(configuration.meters):
        if isinstance(meter.transport, TcpTransport):
            named.append((("meter", position, "transport", "host"), meter.transport.host))
    for where, host in named:
        if not resolves(host):
            yield where, f"{quoted(host)} cannot be looked up now"


def has_address(host: str) -> bool:
    """Whether the name has an address, asked for at most 3 seconds (a look-up cannot be cancelled)."""
    found: list[object] = []

    def look_up() -> None:
        try:
            found.extend(socket.getaddrinfo(host, None))
        except (OSError, UnicodeError):
            pass

    asking = threading.Thread(target=look_up, daemon=True)
    asking.start()
    asking.join(timeout=3)
    return bool(found)
