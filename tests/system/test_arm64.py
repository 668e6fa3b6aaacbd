"""The package for arm64, on a machine of another kind: its daemon runs under QEMU and charges a car.

The files of Debian's own arm64 packages and of ours are unpacked, none of their scripts is run. It decides that every
compiled module fits Debian 12 and 13; it does not look at installing.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.end_to_end.running_gateway import free_ports, wait_until
from tests.system.built import built
from tests.system.roots import mirror

PATIENCE_SECONDS = 120  # everything is a dozen times slower than on the machine itself
EMULATOR = "qemu-aarch64-static"
PROCESSOR = "cortex-a72"  # that of a Raspberry Pi 4
# as the installed program runs, but that here nobody has compiled its files before
PROGRAM = ["/usr/bin/python3", "-IS", "-X", "pycache_prefix=/compiled", "/usr/bin/ocpp-gateway"]
CONFIGURATION = """
[site]
id = "arm"
[data]
directory = "/data"
[ocpp]
host = "127.0.0.1"
port = {stations}
unknown_stations = "accept"
unknown_tags = "accept"
[web]
port = {web}
[firmware]
host = "127.0.0.1"
port = {firmware}
"""


@pytest.fixture(scope="module", params=["bookworm", "trixie"])
def tree(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a Debian for arm64 with ours among them."""
    release: str = request.param
    place = tmp_path_factory.mktemp(release) / "tree"
    subprocess.run(
        ["mmdebstrap", "--quiet", "--variant=extract", "--architectures=arm64", "--include=python3,tzdata",
         "--skip=check/empty", release, str(place), f"deb {mirror(release)} {release} main"],
        check=True,
    )  # fmt: skip
    for name in ("bin", "lib", "sbin"):  # what Debian 13 expects of whoever makes a system
        if not (place / name).exists():
            (place / name).symlink_to(f"usr/{name}")
    subprocess.run(["dpkg-deb", "--extract", str(built()["arm64"]), str(place / "unpacked")], check=True)
    shutil.copytree(place / "unpacked" / "usr", place / "usr", dirs_exist_ok=True, symlinks=True)
    shutil.copy(str(shutil.which(EMULATOR)), place)
    return place


def emulated(tree: Path, *words: str) -> list[str]:
    """The command that runs the installed program with these words."""
    return ["chroot", str(tree), f"/{EMULATOR}", "-cpu", PROCESSOR, *PROGRAM, *words]


def test_the_program_for_arm64_tells_its_version(tree: Path) -> None:
    done = subprocess.run(emulated(tree, "--version"), capture_output=True, text=True, timeout=PATIENCE_SECONDS)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[0] == "ocpp-gateway"


def test_the_daemon_for_arm64_charges_a_car(tree: Path) -> None:
    stations, web, firmware = free_ports(3)
    text = CONFIGURATION.format(stations=stations, web=web, firmware=firmware)
    (tree / "gateway.toml").write_text(text, "utf-8")
    with daemon(tree) as process, station(process, stations, web) as charger:
        assert say(charger, "BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})["status"] == (
            "Accepted"
        )
        start = {"connectorId": 1, "idTag": "CARD", "meterStart": 5, "timestamp": "2027-01-15T08:00:00Z"}
        session = say(charger, "StartTransaction", start)["transactionId"]
        stop = {"transactionId": session, "meterStop": 905, "timestamp": "2027-01-15T09:00:00Z"}
        assert "idTagInfo" not in say(charger, "StopTransaction", stop)
        told = subprocess.run(
            emulated(tree, "transactions", "--json", "--config", "/gateway.toml"),
            capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=True,
        )  # fmt: skip
    assert [one["energy_wh"] for one in json.loads(told.stdout)["items"]] == [900]
    assert process.returncode == 0


@contextmanager
def daemon(tree: Path) -> Iterator[subprocess.Popen[str]]:
    """The installed daemon, ended in order."""
    process = subprocess.Popen(emulated(tree, "run", "--config", "/gateway.toml"), text=True)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


@contextmanager
def station(process: subprocess.Popen[str], stations: int, web: int) -> Iterator[ClientConnection]:
    """A connection of a charge point, when the daemon is ready."""

    def ready() -> bool:
        assert process.poll() is None, "the daemon ended"
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{web}/readyz", timeout=PATIENCE_SECONDS) as answer:
                return bool(answer.status == 200)
        except urllib.error.URLError:
            return False

    wait_until(ready, "the daemon to be ready", patience_seconds=PATIENCE_SECONDS)
    url = f"ws://127.0.0.1:{stations}/ocpp/CP-1"
    with connect(url, subprotocols=[Subprotocol("ocpp1.6")], open_timeout=PATIENCE_SECONDS, proxy=None) as opened:
        yield opened


def say(connection: ClientConnection, action: str, payload: object) -> dict[str, object]:
    """Ask the gateway; its answer. What it asks by itself stays unanswered."""
    connection.send(json.dumps([2, action, action, payload]))
    while True:
        frame = json.loads(connection.recv(PATIENCE_SECONDS))
        if frame[0] != 2:
            assert frame[:2] == [3, action], frame
            answer: dict[str, object] = frame[2]
            return answer
