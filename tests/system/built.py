"""The packages that this checkout builds, built once. It does not know what is in them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
OUTPUT = CHECKOUT / "build" / "deb"
ARCHITECTURES = ("amd64", "arm64")


def built(*architectures: str) -> dict[str, Path]:
    """The .deb of each architecture (of all when none is named); only what has changed is built again."""
    wanted = architectures or ARCHITECTURES
    return dict(zip(wanted, build(*wanted), strict=True))


def build(*architectures: str, out: Path = OUTPUT, under: tuple[str, ...] = (), **environment: str) -> list[Path]:
    """Build into `out`, by a command that `under` begins, with these variables."""
    done = subprocess.run(
        [*under, str(CHECKOUT / "debian" / "build.sh"), *architectures],
        env=os.environ | {"PYTHON": sys.executable, "DEB_OUT": str(out)} | environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return [Path(line) for line in done.stdout.splitlines()]
