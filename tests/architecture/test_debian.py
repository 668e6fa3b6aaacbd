"""What the files of the package promise: one version, no registry, no question, manual pages that tell the truth."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
import tomllib
from pathlib import Path, PurePosixPath

from gateway.pages.words import LANGUAGES

ROOT = Path(__file__).parents[2]
DEBIAN = ROOT / "debian"


def texts() -> dict[str, str]:
    """Every file of debian/, by its name there."""
    files = (file for file in DEBIAN.rglob("*") if file.is_file() and "__pycache__" not in file.parts)
    return {str(file.relative_to(DEBIAN)): file.read_text(encoding="utf-8") for file in files}


def test_package_and_program_have_one_version() -> None:
    newest = re.match(r"ocpp-gateway \(([^)]+)\) ", (DEBIAN / "changelog").read_text())
    assert newest is not None
    assert newest[1] == tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


def test_no_file_names_a_registry_or_mirror() -> None:
    named = re.compile(r"pypi\.|pythonhosted|debian\.org/debian\b|index-url|extra-index|find-links", re.IGNORECASE)
    assert not [name for name, text in texts().items() if named.search(text)]


def test_the_package_asks_nothing_and_its_scripts_stop_at_a_mistake() -> None:
    scripts = {name: text for name, text in texts().items() if name.startswith("ocpp-gateway.") and "inst" in name}
    scripts |= {name: text for name, text in texts().items() if name.endswith((".prerm", ".postrm"))}
    assert {"ocpp-gateway.postinst", "ocpp-gateway.prerm", "ocpp-gateway.postrm"} <= set(scripts)
    for name, text in scripts.items():
        assert text.startswith("#!/bin/sh\nset -e\n") and "\n#DEBHELPER#\n" in text, name
        assert not re.search(r"^\s*read |debconf|db_input", text, re.MULTILINE), name
    assert not list(DEBIAN.glob("*.config")) and not list(DEBIAN.glob("*.templates"))


def test_the_pythons_that_are_vendored_are_those_that_may_be_installed() -> None:
    pythons: tuple[str, ...] = runpy.run_path(str(DEBIAN / "vendor.py"))["PYTHONS"]
    minors = sorted(int(python.removeprefix("3.")) for python in pythons)
    control = (DEBIAN / "control").read_text()
    assert f"python3 (>= 3.{minors[0]})" in control and f"python3 (<< 3.{minors[-1] + 1})" in control


def test_the_manual_page_of_ftpd_has_its_options() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "gateway.ftpd", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    page = (DEBIAN / "ocpp-gateway-ftpd.8").read_text().replace("\\-", "-").replace("\\fB", "").replace("\\fR", "")
    assert set(re.findall(r"--[a-z-]+", told)) == set(re.findall(r"--[a-z-]+", page))


def test_the_manual_page_has_every_command(tmp_path: Path) -> None:
    page = subprocess.run(
        [sys.executable, str(DEBIAN / "manual.py"), "commands", "1", "0"], capture_output=True, text=True, check=True
    ).stdout.replace("\\-", "-")
    for command in ("run", "check-config", "token create", "status", "why", "backup"):
        assert f"\n\\fB{command}\\fR" in page, command


def test_babel_ships_with_the_languages_of_the_page_alone() -> None:
    vendor = runpy.run_path(str(DEBIAN / "vendor.py"))
    kept = {
        "global.dat",
        "locale-data/root.dat",
        "locale-data/en_GB.dat",
        "locale-data/de.dat",
        "locale-data/nl_BE.dat",
    }
    left_out = {"locale-data/frr.dat", "locale-data/es.dat", "locale-data/zh_Hant_TW.dat", "locale-data/nln.dat"}
    assert {name for name in kept | left_out if vendor["_ships"](PurePosixPath("babel", name))} == kept
    assert set(LANGUAGES) == set(vendor["LANGUAGES"])
