"""The grammar of the commands about fleet managers. It does not know what they do."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.terminal.arguments import Grammar


def add_fleet(grammar: Grammar) -> None:
    """`upstream` and what belongs to it."""
    upstream = grammar.group("upstream", "links to fleet managers", by_itself="commands_upstream:upstreams")
    test = upstream.add("test", "commands_upstream_try:try_links", "try the way to each broker, step by step")
    test.add_argument("name", metavar="NAME", nargs="?", help="only this [[upstream]]")
    forget = upstream.add(
        "forget", "commands_upstream:forget", "leave a fleet: clear what the gateway left in the broker"
    )
    forget.add_argument("name", metavar="NAME", help="the [[upstream]]")


def broker(text: str) -> tuple[str, int]:
    """Where an MQTT broker listens, such as 127.0.0.1 or broker.example:1883."""
    host, colon, port = text.rpartition(":")
    if not colon or (":" in host and not host.startswith("[")):  # no port: a name, or a bare IPv6 address
        return text, 1883
    if not port.isdecimal() or not 0 < int(port) < 65_536 or not host:
        raise argparse.ArgumentTypeError(f"expected a host, or host:port, got {text}")
    return host.strip("[]"), int(port)
