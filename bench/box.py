"""Figures for the box beside the chargers: `./dev bench box`. What is written in a day wears an SD card out.

A part of a day is played in virtual time by `bench.box_day`, with the data on an ext4 image of its own where that can
be mounted (root and a loop device), so that the journal of the file system counts as well. Days are multiplied from it.
The daemon's memory and start are those of the checkout; installed size is that of a package given with `--deb`.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

from bench.box_day import SCENES
from bench.measuring import GATEWAY, Bench, say
from bench.messages import MIX
from bench.processes import pin_the_load, running

BEGIN, END = "<!-- written by ./dev bench box --write: begin -->", "<!-- written by ./dev bench box --write: end -->"
_PAGE = Path(__file__).parent.parent / "docs" / "performance.md"
_PROJECT = Path(__file__).parent.parent
_CONNECTED = 200
_STARTS = 5
Rows = list[tuple[str, str]]


def main() -> int:
    """Measure, print a table."""
    arguments = _arguments()
    pin_the_load()
    rows: Rows = []
    with tempfile.TemporaryDirectory(prefix="ocpp-gateway-box-", dir=arguments.directory) as directory:
        for scene in SCENES:
            rows += written_in_a_day(Path(directory), arguments.hours, scene)
        if arguments.days:
            rows += year(Path(directory), arguments.days)
        bench = Bench(Path(directory), rounds=1, quick=False)
        rows += memory(bench)
        rows += start(bench)
        if bench.errors:
            say(f"errors: {dict(bench.errors)}")
            return 1
    if arguments.deb:
        rows += installed(arguments.deb)
    text = "\n".join(["| figure | measured |", "|---|---|", *(f"| {what} | {value} |" for what, value in rows)])
    print(text)
    if arguments.write:
        _write(text)
    return 0


def written_in_a_day(directory: Path, hours: float, scene: str) -> Rows:
    """Bytes written in a day of twenty stations."""
    counted, on_device = _played(directory, hours, scene)
    a_day = 24 / hours
    sent = counted["device"] if on_device else counted["sent"]
    way = "block device" if on_device else "/proc/PID/io"
    return [
        (f"written in a day, 20 stations reporting each {scene} ({way})", f"{sent * a_day / 1e6:.0f} MB"),
        (f"the same, given to write calls, each {scene}", f"{counted['given'] * a_day / 1e6:.0f} MB"),
    ]


def year(directory: Path, days: int) -> Rows:
    """The database after so many days of twenty stations that report each five minutes."""
    place = directory / "year"
    place.mkdir()
    say(f"playing {days} days of twenty stations")
    command = (sys.executable, "-m", "bench.box_year", str(place), str(days))
    done = subprocess.run(command, cwd=_PROJECT, stdout=subprocess.PIPE, text=True, check=True)
    played = json.loads(done.stdout.splitlines()[-1])
    *_, size = played["bytes"].values()
    sessions = f"{played['sessions']:,} sessions"
    return [
        (f"database after {days} days, {sessions}, reports each 300 s, as retention leaves it", f"{size / 1e6:.0f} MB")
    ]


def memory(bench: Bench) -> Rows:
    """Resident memory after the start, and with stations that are connected and booted."""
    with bench.serving(GATEWAY) as server:
        server.settle()
        idle = server.resident_bytes()
        with bench.load_on(server, _CONNECTED) as load:
            load.connect()
            load.closed_loop(MIX[:2])
            server.settle()
            full = server.resident_bytes()
    return [
        ("memory idle (resident)", f"{idle / 1e6:.1f} MB"),
        (f"memory with {_CONNECTED} stations", f"{full / 1e6:.1f} MB"),
    ]


def start(bench: Bench) -> Rows:
    """From the execution of the program to its first answer, and to READY where the program tells it."""
    answered, ready = [], []
    with bench.serving(GATEWAY):
        pass  # its bytecode is kept, and its file is in the page cache
    for number in range(_STARTS):
        directory = bench.directory / f"start-{number}"
        directory.mkdir()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notices:
            notices.bind(str(directory / "notify"))
            notices.settimeout(5)
            recipe = bench.recipe(GATEWAY, directory, directory)
            recipe = replace(recipe, environment={**recipe.environment, "NOTIFY_SOCKET": str(directory / "notify")})
            began = time.perf_counter()
            with running(recipe) as server:
                answered.append(server.answering_after_seconds)
                ready.append(_ready_after(notices, began))
    told = [seconds for seconds in ready if seconds is not None]
    rows = [("from execution to the first answer (median of five)", f"{median(answered):.2f} s")]
    if told:
        rows.append(("from execution to READY, looked for after the first answer", f"{median(told):.2f} s"))
    return rows


def installed(package: Path) -> Rows:
    """What a .deb is, and what it is unpacked and with the bytecode that its installation makes."""
    with tempfile.TemporaryDirectory() as place:
        subprocess.run(("dpkg-deb", "-x", package, place), check=True)
        unpacked = _bytes_below(Path(place))
        tree = Path(place) / "usr/lib/ocpp-gateway"
        subprocess.run(("/usr/bin/python3", "-ISm", "compileall", "-q", tree), check=False)
        compiled = _bytes_below(Path(place))
    return [
        ("package (.deb)", f"{package.stat().st_size / 1e6:.1f} MB"),
        ("unpacked", f"{unpacked / 1e6:.1f} MB"),
        ("installed, with the bytecode of one Python", f"{compiled / 1e6:.1f} MB"),
    ]


def _played(directory: Path, hours: float, scene: str) -> tuple[dict[str, Any], bool]:
    place = directory / scene.replace(" ", "")
    place.mkdir()
    play = (sys.executable, "-m", "bench.box_day", str(place), str(hours), scene)
    say(f"playing {hours:g} hours of twenty stations, reporting each {scene}")
    if os.geteuid() == 0 and shutil.which("mke2fs"):
        on_image = _on_an_image(directory / f"{place.name}.img", place, play)
        if on_image is not None:
            return on_image, True
    done = subprocess.run(play, cwd=_PROJECT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1]), False


def _on_an_image(image: Path, place: Path, play: tuple[str, ...]) -> dict[str, Any] | None:
    """Play on an ext4 file system in a file; None where that cannot be mounted."""
    with image.open("wb") as file:
        file.truncate(4 << 30)
    plain = "lazy_itable_init=0,lazy_journal_init=0"  # else the kernel goes on writing by itself
    subprocess.run(("mke2fs", "-q", "-F", "-t", "ext4", "-E", plain, image), check=True)
    # the mount is seen by this process alone, and gone with it
    script = f'mount -o loop,noatime "{image}" "{place}" && exec "$@"'
    command = ("unshare", "-m", "--propagation", "private", "sh", "-c", script, "sh", *play)
    done = subprocess.run(command, cwd=_PROJECT, capture_output=True, text=True, check=False)
    image.unlink()
    if done.returncode == 0:
        counted: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return counted
    say(f"no file system of its own: {done.stderr[-300:]}")
    return None


def _ready_after(notices: socket.socket, began: float) -> float | None:
    try:
        while b"READY=1" not in notices.recv(4096).split(b"\n"):
            pass
    except TimeoutError:
        return None
    return time.perf_counter() - began


def _bytes_below(place: Path) -> int:
    return sum(path.lstat().st_size for path in place.rglob("*") if path.is_file() and not path.is_symlink())


def _write(text: str) -> None:
    page = _PAGE.read_text("utf-8")
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    _PAGE.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", "utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench box", description="What the gateway takes of a small computer.")
    parser.add_argument("--hours", type=float, default=4.0, help="how much of a day is played (4)")
    parser.add_argument("--days", type=int, default=365, help="how many days the database grows; 0: none (365)")
    parser.add_argument("--deb", type=Path, help="the package whose installed size is told")
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    parser.add_argument("--directory", type=Path, help="where data and images are kept: a disk, not memory")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
