"""The first charge comes by installing, setting up and nothing else; how long it took is printed, not judged."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.system import roots
from tests.system.first_charge import first_charge
from tests.system.machine import booted

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("release", roots.RELEASES)
def test_from_the_package_to_the_first_charge(release: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with booted(release, tmp_path) as machine:
        done = first_charge(machine)
        assert "of 1 stations connected" in machine.run("ocpp-gateway", "next-step")  # the played one has left
        assert "all is well" in machine.run("run-parts", "/etc/update-motd.d")
    with capsys.disabled():
        told = ", ".join(f"{step} after {seconds:.1f} s" for step, seconds in done.items())
        print(f"\nfirst charge on {release}: {told}")
