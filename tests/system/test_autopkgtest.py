"""What debian/tests says holds under Debian's own runner, inside a booted machine: never on the host."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.system import roots
from tests.system.built import CHECKOUT, built
from tests.system.machine import booted


@pytest.mark.parametrize("release", roots.RELEASES)
def test_the_tests_of_the_package(release: str, tmp_path: Path) -> None:
    deb = built("amd64")["amd64"]
    with booted(release, tmp_path) as machine:
        source = machine.tree / "root" / "source"
        shutil.copytree(CHECKOUT / "debian", source / "debian", ignore=shutil.ignore_patterns("generated", "ocpp-*"))
        (source / "debian" / "files").touch()  # it counts as built: nothing that builds packages is asked for
        shutil.copy(deb, machine.tree / "root" / deb.name)
        # without a network nothing but the package itself can be installed
        for mirrors in (machine.tree / "etc" / "apt").glob("sources.list*"):
            shutil.rmtree(mirrors) if mirrors.is_dir() else mirrors.unlink()
        (machine.tree / "etc" / "apt" / "sources.list.d").mkdir()
        # the machine is a booted container of its own, which the newer null runner does not see by itself
        done = machine.attempt(
            "autopkgtest",
            "--ignore-restrictions=isolation-container",
            "--no-built-binaries",
            f"/root/{deb.name}",
            "/root/source/",
            "--",
            "null",
        )
        if done.returncode != 0:
            machine.fail(f"autopkgtest ended with {done.returncode}\n{done.stdout[-9000:]}{done.stderr[-9000:]}")
        verdicts = [line.split()[:2] for line in done.stdout.splitlines()]
        assert ["version", "PASS"] in verdicts and ["first-charge", "PASS"] in verdicts, done.stdout + done.stderr
