"""Serial lines by the names that stay, and what this machine knows of its own addresses."""

from __future__ import annotations

import socket
import struct
from dataclasses import replace
from pathlib import Path

from gateway.configuration import Meter, RtuTransport, TcpTransport
from gateway.operations.machine_names import interfaces_in
from gateway.operations.serial_ports import serial_ports
from tests.unit.web.conftest import configuration_in


def test_each_line_once_by_its_best_name(tmp_path: Path) -> None:
    for folder in ("by-id", "by-path"):
        (tmp_path / "serial" / folder).mkdir(parents=True)
    for name in ("ttyUSB0", "ttyUSB1", "ttyACM0", "ttyS0", "ttyUSBx"):
        (tmp_path / name).touch()
    by_id = tmp_path / "serial" / "by-id" / "usb-FTDI"
    by_id.symlink_to("../../ttyUSB0")
    for socket_, device in (("pci-1", "ttyUSB0"), ("pci-2", "ttyUSB1")):
        (tmp_path / "serial" / "by-path" / socket_).symlink_to(f"../../{device}")
    meters = (Meter("grid", "sdm630", RtuTransport(by_id)), Meter("net", "sdm630", TcpTransport("10.0.0.5")))
    found = serial_ports(replace(configuration_in(tmp_path), meters=meters), tmp_path)
    real = tmp_path.resolve()
    assert [(one["path"], one["device"], one["meters"]) for one in found] == [
        (str(real / "ttyACM0"), str(real / "ttyACM0"), []),
        (str(by_id), str(real / "ttyUSB0"), ["grid"]),
        (str(tmp_path / "serial" / "by-path" / "pci-2"), str(real / "ttyUSB1"), []),
    ]
    assert found[1]["by_path"] == str(tmp_path / "serial" / "by-path" / "pci-1")


def test_a_machine_without_any(tmp_path: Path) -> None:
    assert serial_ports(configuration_in(tmp_path), tmp_path) == []


def test_addresses_as_the_kernel_writes_them() -> None:
    def entry(name: bytes, family: int, address: str) -> bytes:
        return struct.pack("=16sHH4s16x", name, family, 0, socket.inet_aton(address))

    told = entry(b"lo", socket.AF_INET, "127.0.0.1") + entry(b"eth0", socket.AF_INET, "192.168.1.10")
    told += entry(b"eth0", socket.AF_INET6, "1.2.3.4")
    assert interfaces_in(told) == [("lo", "127.0.0.1"), ("eth0", "192.168.1.10")]
