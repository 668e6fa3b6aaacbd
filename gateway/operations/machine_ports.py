"""Which TCP ports of this machine are open, and which way leads to other networks, as the kernel's lists say.

Read from /proc/self/net, which the service's sandbox leaves open; nothing is sent to find out.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from pathlib import Path

_LISTS = Path("/proc/self/net")
_LISTENS = "0A"
_UP_AND_A_GATEWAY = 0x3


def listening_ports(folder: Path = _LISTS) -> frozenset[tuple[str, int]] | None:
    """(address, port) of each TCP port that is open; 0.0.0.0 and :: are all addresses. None: nobody tells."""
    texts = [text for name in ("tcp", "tcp6") if (text := _text(folder / name)) is not None]
    if not texts:
        return None
    return frozenset(pair for text in texts for pair in _listening(text))


def default_routes(folder: Path = _LISTS) -> list[str] | None:
    """`ADDRESS (INTERFACE)` of each router to other networks, IPv4; none when there is no way. None: nobody tells."""
    text = _text(folder / "route")
    if text is None:
        return None
    rows = [line.split() for line in text.splitlines()[1:]]
    return [
        f"{_ipv4(gateway)} ({interface})"
        for interface, destination, gateway, flags, *more in rows
        if (destination, more[3]) == ("00000000", "00000000") and int(flags, 16) & 0x3 == _UP_AND_A_GATEWAY
    ]


def _listening(text: str) -> Iterator[tuple[str, int]]:
    for line in text.splitlines()[1:]:
        _, local, _, state, *_ = line.split()
        if state == _LISTENS:
            address, _, port = local.partition(":")
            yield (_ipv4(address) if len(address) == 8 else _ipv6(address)), int(port, 16)


def _ipv4(text: str) -> str:
    """The kernel writes the four bytes as a number of this machine."""
    return socket.inet_ntoa(struct.pack("=I", int(text, 16)))


def _ipv6(text: str) -> str:
    words = [struct.pack("=I", int(text[at : at + 8], 16)) for at in range(0, 32, 8)]
    address = socket.inet_ntop(socket.AF_INET6, b"".join(words))
    return address.removeprefix("::ffff:") if address.startswith("::ffff:") else address


def _text(file: Path) -> str | None:
    try:
        return file.read_text("ascii", "replace")
    except OSError:
        return None
