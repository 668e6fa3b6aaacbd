"""The command `ocpp-gateway`: reads the arguments, carries out one command, turns every ending into an exit code.

It loads only what the command needs. It does not know what any command does.
"""

from __future__ import annotations

import importlib
import os
import sys

from gateway.terminal.arguments import parse
from gateway.terminal.exits import INTERRUPTED, OK, Ending
from gateway.version import version


def main(arguments: list[str] | None = None) -> int:
    """Carry out one command; its exit code (docs/command-line.md)."""
    words = sys.argv[1:] if arguments is None else arguments
    options = parse(words, version() if "--version" in words else "")
    module, function = options.carried_out_by.split(":")
    try:
        carried_out = getattr(importlib.import_module(f"gateway.terminal.{module}"), function)(options)
        sys.stdout.flush()
        return int(carried_out)
    except Ending as ending:
        print(_prefixed(ending.sentence), file=sys.stderr)
        return ending.code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # whoever read us (head, less) has seen enough; keep the interpreter from complaining at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK


def _prefixed(sentence: str) -> str:
    return sentence if "\n" in sentence or ": expected " in sentence else f"ocpp-gateway: {sentence}"


if __name__ == "__main__":
    sys.exit(main())
