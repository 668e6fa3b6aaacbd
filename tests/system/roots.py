"""Clean Debian systems as archives, made once by mmdebstrap, kept in build/roots. What runs in them is not known here.

Mirrors are those that apt uses on this machine; none is named here.
"""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
FOLDER = CHECKOUT / "build" / "roots"
RELEASES = ("bookworm", "trixie")
# what a controller has before an installer comes, and what the tests ask of it
PACKAGES = (
    "apt-utils", "autopkgtest", "ca-certificates", "dbus", "init", "iproute2", "kmod", "libpam-systemd", "procps",
    "python3", "systemd", "systemd-sysv", "tzdata", "udev", "unattended-upgrades",
)  # fmt: skip


def mirror(release: str) -> str:
    """Where apt has this release from; another release lies beside the one that this machine runs."""
    told = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME)", "Created-By: Packages"],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    known = [tuple(line.split()) for line in told.splitlines()]
    plain = [uri for uri, codename in known if "-" not in codename]
    return next((uri for uri, codename in known if codename == release), plain[0])


def archive(release: str, packages: tuple[str, ...] = PACKAGES) -> Path:
    """The system of this release as a .tar."""
    key = hashlib.sha256(" ".join([release, *packages]).encode()).hexdigest()[:12]
    kept = FOLDER / f"{release}-{key}.tar"
    if not kept.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        partial = kept.with_name(f"{kept.name}.partial")
        subprocess.run(
            ["mmdebstrap", "--quiet", "--variant=minbase", "--format=tar", f"--include={','.join(packages)}", release,
             str(partial), f"deb {mirror(release)} {release} main"],
            check=True,
        )  # fmt: skip
        partial.replace(kept)
    return kept


def unpack(release: str, tree: Path) -> None:
    """A system of its own in the new folder `tree`."""
    tree.mkdir(parents=True)
    subprocess.run(["tar", "--extract", "--numeric-owner", "-f", str(archive(release)), "-C", str(tree)], check=True)
