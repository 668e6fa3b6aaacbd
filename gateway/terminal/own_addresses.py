"""The addresses of this machine in its networks, for people who type one of them into a station.

Nothing is sent to find out. Which of several networks the stations are in is not known here.
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass

from gateway.configuration import Configuration
from gateway.terminal.reaching import lan_address, ws_address

_PATIENCE_SECONDS = 5.0
_NOT_A_NETWORK = ("docker", "veth", "br-", "virbr", "tun", "wg")


@dataclass(frozen=True, slots=True)
class OwnAddress:
    """`lent`: another machine gave it for a time (DHCP) and may give another one later."""

    address: str
    interface: str
    lent: bool


def station_addresses(configuration: Configuration) -> list[str]:
    """What may be typed into a station, with a word of warning where the address may change; at least one."""
    ocpp = configuration.ocpp
    if ocpp.host not in ("0.0.0.0", "::", ""):
        return [ws_address(ocpp.host, ocpp.port)]
    found = own_addresses()
    if not found:
        return [ws_address(lan_address(), ocpp.port)]
    return [_words(one, ocpp.port) for one in found]


def own_addresses() -> list[OwnAddress]:
    """IPv4 addresses in networks where stations can be; empty where the program `ip` cannot tell."""
    try:
        told = subprocess.run(
            ["ip", "-json", "-4", "address", "show", "up"],
            capture_output=True, text=True, check=True, timeout=_PATIENCE_SECONDS,
        ).stdout  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return []
    return addresses_told(told)


def addresses_told(text: str) -> list[OwnAddress]:
    """What `ip -json address` says; the loopback and networks inside the machine are left out."""
    try:
        interfaces = json.loads(text or "[]")
    except ValueError:
        return []
    return [
        OwnAddress(str(one["local"]), str(interface["ifname"]), one.get("dynamic") is True)
        for interface in interfaces
        if not str(interface.get("ifname", "lo")).startswith(("lo", *_NOT_A_NETWORK))
        for one in interface.get("addr_info", [])
        if one.get("local")
    ]


def _words(one: OwnAddress, port: int) -> str:
    warning = "; by DHCP: give it a fixed one" if one.lent else ""
    return f"{ws_address(one.address, port)}  ({one.interface}{warning})"
