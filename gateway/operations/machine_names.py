"""What this machine is called, and its addresses as far as it knows them itself; nothing is sent to find out."""

from __future__ import annotations

import socket
from collections.abc import Iterator


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
