"""The grammar of the commands about firmware. It does not know what they do."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.terminal.arguments import Grammar


def add_firmware(grammar: Grammar) -> Grammar:
    """`firmware`; further commands of the group are added to what is returned."""
    return grammar.group("firmware", "firmware for stations", by_itself="commands_campaigns:campaigns")
