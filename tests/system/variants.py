"""Later versions of the built package, made by repacking it: a good one, and those that a site must survive.

It knows the package's layout and nothing of how it is built.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

MODULES = Path("usr/lib/ocpp-gateway")
_MIGRATION = "ALTER TABLE quirks ADD COLUMN note TEXT;"
_FAILS = "INSERT INTO a_table_that_nobody_made VALUES (1);"
_ENDS = 'raise RuntimeError("this version ends when it starts")\n'
_BEFORE_THE_DOORS = "rehearsal.no_way_back("
_REFUSES = """
_accepting = load_configuration

def load_configuration(path=None, *rest, **more):
    if path is not None and "automatic_calls" in path.read_text("utf-8"):
        raise ConfigurationMistakes((Mistake(Place(str(path), "ocpp.automatic_calls"), "another key", "this one"),))
    return _accepting(path, *rest, **more)
"""


def newer(deb: Path, folder: Path) -> Path:
    """0.2.0: the database has another schema."""
    return _repacked(deb, folder, "0.2.0", lambda tree: _add_step(tree, _MIGRATION))


def later(deb: Path, folder: Path) -> Path:
    """0.2.1: as 0.2.0."""
    return _repacked(deb, folder, "0.2.1", lambda tree: _add_step(tree, _MIGRATION))


def failing(deb: Path, folder: Path) -> Path:
    """0.3.0: its migration fails."""
    return _repacked(deb, folder, "0.3.0", lambda tree: (_add_step(tree, _MIGRATION), _add_step(tree, _FAILS)))


def crashing(deb: Path, folder: Path) -> Path:
    """0.4.0: its daemon ends at once."""
    return _repacked(deb, folder, "0.4.0", _end_at_start)


def picky(deb: Path, folder: Path) -> Path:
    """0.5.0: it refuses a key of the configuration that was good before."""
    return _repacked(deb, folder, "0.5.0", _refuse_a_key)


def dying(deb: Path, folder: Path) -> Path:
    """0.6.0: it brings the database to its schema, and ends before a door opens."""

    def change(tree: Path) -> None:
        _add_step(tree, _MIGRATION)
        _add_step(tree, _MIGRATION.replace("note", "more"))
        daemon = tree / MODULES / "gateway" / "daemon.py"
        text = daemon.read_text("utf-8")
        assert _BEFORE_THE_DOORS in text
        daemon.write_text(text.replace(_BEFORE_THE_DOORS, f"{_ENDS.strip()}  # {_BEFORE_THE_DOORS}"), "utf-8")

    return _repacked(deb, folder, "0.6.0", change)


def broken(deb: Path, folder: Path) -> Path:
    """0.7.0: not even a command of it can be run."""
    return _repacked(deb, folder, "0.7.0", lambda tree: (tree / MODULES / "gateway" / "__main__.py").write_text(_ENDS))


def _repacked(deb: Path, folder: Path, version: str, change: Callable[[Path], object]) -> Path:
    tree = folder / f"tree-{version}"
    subprocess.run(["dpkg-deb", "--raw-extract", str(deb), str(tree)], check=True)
    control = tree / "DEBIAN" / "control"
    control.write_text(re.sub(r"^Version: .*$", f"Version: {version}", control.read_text(), flags=re.MULTILINE))
    (tree / MODULES / "VERSION").write_text(f"{version}\n")
    for metadata in (tree / MODULES).glob("ocpp_gateway-*.dist-info/METADATA"):
        metadata.write_text(re.sub(r"^Version: .*$", f"Version: {version}", metadata.read_text(), flags=re.MULTILINE))
    change(tree)
    made = folder / f"ocpp-gateway_{version}_amd64.deb"
    subprocess.run(
        ["dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "--build", str(tree), str(made)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return made


def _add_step(tree: Path, script: str) -> None:
    folder = tree / MODULES / "gateway" / "store" / "schema"
    number = 1 + max(int(file.name[:4]) for file in folder.glob("[0-9]*.sql"))
    (folder / f"{number:04}_of_tomorrow.sql").write_text(script)


def _end_at_start(tree: Path) -> None:
    daemon = tree / MODULES / "gateway" / "daemon_process.py"
    daemon.write_text(daemon.read_text("utf-8") + _ENDS, "utf-8")


def _refuse_a_key(tree: Path) -> None:
    module = tree / MODULES / "gateway" / "configuration.py"
    module.write_text(module.read_text("utf-8") + _REFUSES, "utf-8")
