"""The same package as a newer version: repacked, with one migration more that takes its time.

It stands for the next release, so that an upgrade can be cut anywhere: while dpkg unpacks, while it configures, while
the database is migrated.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

VERSION = "99.0"
# long enough under emulation to be cut in the middle, and it writes what a torn transaction would show
_MIGRATION = """CREATE TABLE of_a_newer_version (number INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;
WITH RECURSIVE counted (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM counted WHERE number < 60000)
INSERT INTO of_a_newer_version SELECT number, printf('row %d', number) FROM counted;
"""


def newer_version(deb: Path, directory: Path) -> Path:
    """A .deb of version 99.0 made from `deb`."""
    tree, made = directory / "newer", directory / f"ocpp-gateway_{VERSION}_amd64.deb"
    subprocess.run(["dpkg-deb", "-R", str(deb), str(tree)], check=True)
    modules = tree / "usr/lib/ocpp-gateway"
    (modules / "VERSION").write_text(f"{VERSION}\n")
    about = next(modules.glob("ocpp_gateway-*.dist-info"))
    about.rename(modules / f"ocpp_gateway-{VERSION}.dist-info")
    _replace_line(modules / f"ocpp_gateway-{VERSION}.dist-info/METADATA", "Version: ", VERSION)
    _replace_line(tree / "DEBIAN/control", "Version: ", VERSION)
    (tree / "DEBIAN/md5sums").unlink(missing_ok=True)
    schema = modules / "gateway/store/schema"
    newest = max(int(script.name[:4]) for script in schema.glob("*.sql"))
    (schema / f"{newest + 1:04}_newer.sql").write_text(_MIGRATION)
    command = ["dpkg-deb", "-Zgzip", "-z1", "--root-owner-group", "--build", str(tree), str(made)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return made


def _replace_line(file: Path, begin: str, value: str) -> None:
    lines = file.read_text().splitlines()
    file.write_text("".join(f"{begin}{value}\n" if line.startswith(begin) else f"{line}\n" for line in lines))
