"""The grammar of keeping the gateway well: backup, restore, the support bundle, and the doctor.

What they do is not known here (`commands_keep`, `commands_bundle`, `commands_doctor`).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.terminal.arguments import Grammar


def add_keeping(grammar: Grammar) -> None:
    """Their commands and options."""
    backup = grammar.add("backup", "commands_keep:backup", "copy the database, also while the gateway runs")
    backup.add_argument("file", type=Path, metavar="FILE")
    backup.add_argument("--encrypt", action="store_true", help="readable only with a passphrase, which is asked for")
    backup.add_argument("--passphrase-file", type=Path, metavar="FILE", help="encrypt with the first line of this file")
    restore = grammar.add("restore", "commands_keep:restore", "put a backup in place of the database")
    restore.add_argument("file", type=Path, metavar="FILE")
    restore.add_argument("--passphrase-file", type=Path, metavar="FILE", help="of an encrypted backup (default: asked)")
    restore.add_argument("--yes", action="store_true", help="do not ask")
    bundle = grammar.add(
        "support-bundle", "commands_bundle:support_bundle", "collect facts for support, without secrets"
    )
    bundle.add_argument("file", type=Path, metavar="FILE", help="a .tar.gz to make")
    grammar.add("doctor", "commands_doctor:doctor", "look at network, clock, certificates and disk, with advice")
