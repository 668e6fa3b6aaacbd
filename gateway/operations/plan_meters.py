"""From [[meter]] to what the meters' door reads, which of them share a line, and why one cannot be read as it is.

It loads no library and asks nobody: `check-config` uses it as well as the daemon.
"""

from __future__ import annotations

import os

from gateway.configuration import Configuration, Meter, RtuTransport, SerialTransport, TcpTransport
from gateway.meters.catalog import MeterModel, find_model, similar_to
from gateway.meters.plans import MeterPlan, NetworkLine, Place, SerialLine


class Unreadable(Exception):
    """A [[meter]] that cannot be read as it is configured; `key` is the key to mend, the text what it should be."""

    def __init__(self, key: str, expected: str) -> None:
        super().__init__(expected)
        self.key = key


def plan_of(meter: Meter) -> MeterPlan:
    """How this meter is read. Raises Unreadable."""
    model = find_model(meter.model)
    if model is None:
        near = similar_to(meter.model)
        hint = f'did you mean "{near}"?' if near else "see docs/meters.md"
        raise Unreadable("model", f"a model that the gateway knows ({hint})")
    _expect_fitting(model, meter)
    unit = 1 if isinstance(meter.transport, SerialTransport) else meter.transport.unit
    return MeterPlan(
        name=meter.name,
        model=model,
        place=place_of_transport(meter.transport),
        unit=unit,
        interval_seconds=meter.interval_seconds,
        inverted=meter.inverted,
    )


def place_of_transport(transport: RtuTransport | TcpTransport | SerialTransport) -> Place:
    """The line that a transport names."""
    match transport:
        case TcpTransport():
            return NetworkLine(transport.host, transport.port, transport.framing == "rtu")
        case RtuTransport() | SerialTransport():
            return SerialLine(str(transport.device), transport.baudrate, transport.parity)


def users_of(place: Place, configuration: Configuration) -> list[str]:
    """The names of the configured meters on this line."""
    return [meter.name for meter in configuration.meters if _is_on(place, meter.transport)]


def _is_on(place: Place, transport: RtuTransport | TcpTransport | SerialTransport) -> bool:
    if isinstance(transport, TcpTransport):
        return isinstance(place, NetworkLine) and (place.host, place.port) == (transport.host, transport.port)
    return isinstance(place, SerialLine) and os.path.realpath(transport.device) == os.path.realpath(place.device)


def _expect_fitting(model: MeterModel, meter: Meter) -> None:
    if model.talks_by_itself and isinstance(meter.transport, RtuTransport):
        raise Unreadable("transport", f'type = "serial", as {model.title} talk by themselves')
    if not model.talks_by_itself and isinstance(meter.transport, SerialTransport):
        raise Unreadable("transport", 'type = "rtu" (or "tcp"), as this model speaks Modbus')
