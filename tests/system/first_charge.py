"""How long it is from `apt install` to the first StartTransaction, on a fresh machine without a network.

    python -m tests.system.first_charge [bookworm|trixie]     (as root, in a checkout; ./dev test makes what it needs)

A station knocks all the time, as real ones do, and is let in by `setup`. What a person needs to read and type is not
in these seconds.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.system.built import built
from tests.system.machine import Machine, booted
from tests.system.played_stations import Chargers

SETUP = ("ocpp-gateway", "setup", "--yes", "--site-id=depot", "--main-fuse=63", "--all-that-knocked", "--card=CARD")


def first_charge(machine: Machine) -> dict[str, float]:
    """Seconds from the begin of the installation, when each step was done."""
    shutil.copy(built("amd64")["amd64"], machine.tree / "root" / "gateway.deb")
    chargers = Chargers(machine, "CP-", 1)
    began, done = time.monotonic(), dict[str, float]()
    try:
        machine.run("apt-get", "install", "-y", "/root/gateway.deb")
        done["installed"] = time.monotonic() - began
        machine.wait_until(lambda: "knocked" in machine.attempt("ocpp-gateway", "next-step").stdout, "the station")
        done["a station knocked"] = time.monotonic() - began
        machine.run(*SETUP)
        done["set up"] = time.monotonic() - began
        chargers.tell("start CARD")
        chargers.until("started")
        done["first StartTransaction answered"] = time.monotonic() - began
    finally:
        chargers.end()
    return done


def main(release: str) -> None:
    """Print the steps."""
    with tempfile.TemporaryDirectory() as folder, booted(release, Path(folder)) as machine:
        for step, seconds in first_charge(machine).items():
            print(f"{seconds:6.1f} s  {step}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "bookworm")
