"""Stations in a machine's network, as a test plays them (the program is tests/system/chargers.py)."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.system.built import CHECKOUT
from tests.system.machine import Machine

PATIENCE_SECONDS = 90.0


class Chargers:
    """Stations in the machine's network (tests/system/chargers.py)."""

    def __init__(self, machine: Machine, prefix: str, count: int) -> None:
        self._machine = machine
        self._process = subprocess.Popen(
            machine.in_its_network(
                sys.executable, "-m", "tests.system.chargers", "ws://127.0.0.1:9000/ocpp", prefix, str(count)
            ),
            cwd=CHECKOUT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def until(self, key: str, wanted: Callable[[Any], bool] = lambda _: True) -> Any:
        """The first line from now on that says `key` in the wanted way."""
        assert self._process.stdout is not None
        deadline = threading.Timer(PATIENCE_SECONDS, self._process.kill)
        deadline.start()
        try:
            for line in self._process.stdout:
                told = json.loads(line)
                if key in told and wanted(told[key]):
                    return told[key]
        finally:
            deadline.cancel()
        return self._machine.fail(f"the stations did not say {key} as wanted within {PATIENCE_SECONDS:g} s")

    def tell(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()


@contextmanager
def stations(machine: Machine, prefix: str, count: int = 1) -> Iterator[Chargers]:
    """Connected ones, gone after the block."""
    chargers = Chargers(machine, prefix, count)
    try:
        chargers.until("connected", lambda many: many == count)
        yield chargers
    finally:
        chargers.end()
