"""Which of Debian's packages the extension modules need: prints `shlibs:Depends=...` for any architecture.

dpkg-shlibdeps needs the libraries of the target on the build machine; this reads the names in the files instead, and
refuses what it does not know. It does not know which files ship.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

NEWEST_GLIBC = (2, 36)  # Debian 12's
PACKAGES = {
    "libc.so.6": "libc6",
    "libm.so.6": "libc6",
    "libdl.so.2": "libc6",
    "librt.so.1": "libc6",
    "libpthread.so.0": "libc6",
    "libutil.so.1": "libc6",
    "ld-linux-x86-64.so.2": "libc6",
    "ld-linux-aarch64.so.1": "libc6",
    "libgcc_s.so.1": "libgcc-s1",
    "libstdc++.so.6": "libstdc++6",
    "libz.so.1": "zlib1g",
}

_NEEDED = re.compile(r"\(NEEDED\).*\[(.+)\]")
_GLIBC = re.compile(r"\bGLIBC_(\d+)\.(\d+)")


class Unfit(Exception):
    """What was found must not ship."""


def main(words: list[str]) -> int:
    """Print the dependencies of every `.so` below the folder."""
    libraries: set[str] = set()
    glibc = (2, 0)
    for module in sorted(Path(words[0]).rglob("*.so")):
        told = _readelf(module)
        if "(RPATH)" in told or "(RUNPATH)" in told:
            raise Unfit(f"{module} looks for libraries in a place of its own")
        libraries.update(_NEEDED.findall(told))
        glibc = max([glibc, *((int(major), int(minor)) for major, minor in _GLIBC.findall(told))])
    if unknown := libraries - set(PACKAGES):
        raise Unfit(f"nobody said which package has {', '.join(sorted(unknown))}")
    if glibc > NEWEST_GLIBC:
        raise Unfit(f"glibc {glibc[0]}.{glibc[1]} is newer than Debian 12's")
    packages = {PACKAGES[library] for library in libraries} - {"libc6"}
    print("shlibs:Depends=" + ", ".join([f"libc6 (>= {glibc[0]}.{glibc[1]})", *sorted(packages)]))
    return 0


def _readelf(module: Path) -> str:
    command = ["readelf", "--wide", "--dynamic", "--version-info", str(module)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
