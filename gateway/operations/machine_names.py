"""What this machine is called, and its addresses as far as it knows them itself; nothing is sent to find out."""

from __future__ import annotations

import array
import fcntl
import socket
import struct
from collections.abc import Iterator

# netdevice(7); `ip` would need a kind of socket that the service is not allowed
_SIOCGIFCONF = 0x8912
_ENTRY_BYTES = 40  # struct ifreq on machines of 64 bits: name, family, port, address
_MOST_ENTRIES = 256
_NOT_A_NETWORK = ("lo", "docker", "veth", "br-", "virbr", "tun", "wg")


def addresses_of_this_machine() -> list[str]:
    """IPv4 addresses in networks where stations and people can be, in the machine's order; none without a network."""
    found = [address for name, address in _interfaces() if not name.startswith(_NOT_A_NETWORK)]
    return list(dict.fromkeys(found))


def _interfaces() -> list[tuple[str, str]]:
    room = array.array("B", bytes(_ENTRY_BYTES * _MOST_ENTRIES))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        request = struct.pack("iP", len(room), room.buffer_info()[0])
        (used,) = struct.unpack_from("i", fcntl.ioctl(asking, _SIOCGIFCONF, request))
    return interfaces_in(room.tobytes()[:used])


def interfaces_in(told: bytes) -> list[tuple[str, str]]:
    """(interface, IPv4 address) of each entry that the kernel wrote."""
    entries = [told[at : at + _ENTRY_BYTES] for at in range(0, len(told), _ENTRY_BYTES)]
    return [
        (entry[:16].split(b"\0", 1)[0].decode("ascii", "replace"), socket.inet_ntoa(entry[20:24]))
        for entry in entries
        if struct.unpack_from("=H", entry, 16) == (socket.AF_INET,)
    ]


def names_of_this_machine(host: str) -> list[str]:
    """What stations may call this machine: its name, then the addresses it listens on, as far as they are known."""
    name = socket.gethostname()
    addresses = {host} if host not in ("", "0.0.0.0", "::") else {*_addresses_of(name), outward_address() or name}
    return [name, *sorted(address for address in addresses if address != name)]


def _addresses_of(name: str) -> Iterator[str]:
    try:
        found = socket.getaddrinfo(name, None, socket.AF_INET)
    except OSError:
        return
    yield from (str(address[0]) for *_, address in found if not str(address[0]).startswith("127."))


def outward_address() -> str | None:
    """The address towards other networks; None when there is no network. No packet is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            address: str = probe.getsockname()[0]
        except OSError:
            return None
    return address
