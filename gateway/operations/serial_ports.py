"""The serial lines of this machine, by the names that stay with an adapter, and which meters are read on them."""

from __future__ import annotations

import os
from pathlib import Path

from gateway.configuration import Configuration, TcpTransport

Document = dict[str, object]

_KINDS = ("ttyUSB", "ttyACM", "ttyAMA", "ttymxc", "ttySC", "ttyO")  # ttyS are there whether or not anything is


def serial_ports(configuration: Configuration, devices: Path = Path("/dev")) -> list[Document]:
    """Each with `path`, the name to write into a configuration: by the adapter, else by the socket, else as it came."""
    by_id, by_path = (_links(devices / "serial" / folder) for folder in ("by-id", "by-path"))
    plain = {str(device) for kind in _KINDS for device in devices.glob(f"{kind}[0-9]*")}
    found = sorted(plain | by_id.keys() | by_path.keys())
    return [
        {
            "path": by_id.get(device) or by_path.get(device) or device,
            "device": device,
            "by_id": by_id.get(device),
            "by_path": by_path.get(device),
            "meters": _meters_on(device, configuration),
        }
        for device in found
    ]


def _links(folder: Path) -> dict[str, str]:
    """Device and its first name in this folder."""
    return {os.path.realpath(link): str(link) for link in sorted(folder.glob("*"), reverse=True)}


def _meters_on(device: str, configuration: Configuration) -> list[str]:
    return [
        meter.name
        for meter in configuration.meters
        if not isinstance(meter.transport, TcpTransport) and os.path.realpath(meter.transport.device) == device
    ]
