"""Passphrases of encrypted backups: from a file, or typed at the terminal without being seen.

They are never taken from the command line itself, where every user of the machine could read them.
"""

from __future__ import annotations

import getpass
import sys
from pathlib import Path

from gateway.operations.seal_backups import trouble_with
from gateway.terminal.exits import no_permission, usage


def new_passphrase(file: Path | None) -> str:
    """One for a new backup; typed twice. Raises Ending 2 when it cannot be taken."""
    passphrase = known_passphrase(file)
    trouble = trouble_with(passphrase)
    if trouble is not None:
        raise usage(trouble)
    if file is None and getpass.getpass("The same again: ") != passphrase:
        raise usage("these were two different passphrases; nothing was written")
    return passphrase


def known_passphrase(file: Path | None) -> str:
    """The first line of `file`, or what is typed. Raises Ending 2 when there is nobody to ask, 77, 2."""
    if file is None:
        if not sys.stdin.isatty():
            raise usage("there is no terminal to ask for the passphrase: say --passphrase-file FILE")
        return getpass.getpass("Passphrase of the backup: ")
    try:
        lines = file.read_text("utf-8").splitlines()
    except PermissionError as error:
        raise no_permission(f"no permission to read {file}") from error
    except (OSError, ValueError) as error:
        raise usage(f"--passphrase-file: expected a file with a passphrase, got {file} ({error})") from error
    return lines[0] if lines else ""
