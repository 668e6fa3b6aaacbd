"""The grammar of the commands about fleet managers. It does not know what they do."""

from __future__ import annotations

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
