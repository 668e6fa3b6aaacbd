"""The addresses of this machine in its networks, for people who type one of them into a station.

Nothing is sent to find out. Which of several networks the stations are in is not known here.
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass

_PATIENCE_SECONDS = 5.0
_NOT_A_NETWORK = ("docker", "veth", "br-", "virbr", "tun", "wg")


@dataclass(frozen=True, slots=True)
class OwnAddress:
    """`lent`: another machine gave it for a time (DHCP) and may give another one later."""

    address: str
    interface: str
    lent: bool


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
