"""A virtual machine without hardware help (QEMU TCG), its disk behind the plug, and the way to cut its power.

It reaches nothing: the network is QEMU's own with two ports of the host's loopback led in. A root shell on a serial
line (`Shell`) is there only when the whole systemd runs. What is installed on the disk is not known here.
"""

from __future__ import annotations

import json
import re
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.system.power.image import PROJECT, SMALL, SYSTEMD, Bootable

_MEGABYTES = 384
_STATIONS, _API = 9000, 8080  # where the daemon listens in the machine
_FILE_SYSTEM_TROUBLE = re.compile(r"EXT4-fs (error|warning)[^\n]*|I/O error[^\n]*")
_QEMU = (
    "qemu-system-x86_64 -nodefaults -no-user-config -display none -no-reboot -machine q35 "
    "-accel tcg,tb-size=128 -cpu qemu64 -smp 1"
)
# the clock is QEMU's: a cycle counter that is measured on a busy host may run several times too fast
_KERNEL_LINE = (
    "console=ttyS0 loglevel=4 panic=-1 mitigations=off tsc=unstable clocksource=hpet no_timer_check net.ifnames=0 "
    "systemd.debug_shell=ttyS1 systemd.show_status=0"
)


class Plug:
    """The process of `plug.py` with one image."""

    def __init__(self, image: Path, directory: Path, *, log: Path | None = None) -> None:
        self.socket = directory / f"plug-{secrets.token_hex(4)}.nbd"
        options = ["--log", str(log)] if log is not None else []
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.system.power.plug", str(image), str(self.socket), *options],
            cwd=PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._answer()

    def cut(self, seed: int) -> dict[str, int]:
        """Cut the power; what was unflushed and what of it is lost."""
        return self._ask(f"cut {seed}")

    def settle(self) -> None:
        """Returns when all that happened so far is in the log."""
        self._ask("settle")

    def close(self) -> None:
        """End the process. What was not flushed is lost, all of it."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(20)
        self._process.stdout.close()

    def _ask(self, line: str) -> dict[str, int]:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, int]:
        assert self._process.stdout is not None
        return dict(json.loads(self._process.stdout.readline()))


@contextmanager
def plugged(image: Path, directory: Path, *, log: Path | None = None) -> Iterator[Plug]:
    """A plug that is closed at the end."""
    plug = Plug(image, directory, log=log)
    try:
        yield plug
    finally:
        plug.close()


@dataclass
class Machine:
    """One machine from power-on to the cut."""

    process: subprocess.Popen[bytes]
    console: Path
    shell_door: socket.socket  # where QEMU brings the line to the root shell
    stations_port: int
    api_port: int
    powered_on: float = field(default_factory=time.monotonic)

    def said(self) -> str:
        """What the console has so far."""
        return self.console.read_text(errors="replace") if self.console.exists() else ""

    def file_system_trouble(self) -> list[str]:
        """Lines of the kernel about a damaged file system."""
        return [match.group() for match in _FILE_SYSTEM_TROUBLE.finditer(self.said())]

    def kill(self) -> None:
        """End QEMU at once: the first half of a power cut."""
        self.process.kill()
        self.process.wait(20)


@contextmanager
def powered(boot: Bootable, plug: Plug, directory: Path, *, systemd: bool = False) -> Iterator[Machine]:
    """A machine that begins to boot; at the end it is killed, if it still runs."""
    name = secrets.token_hex(4)
    stations, api = _free_ports(2)
    console, shell = directory / f"{name}.console", directory / f"{name}.shell"
    forwarded = f"hostfwd=tcp:127.0.0.1:{stations}-:{_STATIONS},hostfwd=tcp:127.0.0.1:{api}-:{_API}"
    start = SYSTEMD if systemd else SMALL
    command = [
        *_QEMU.split(),
        *("-m", str(_MEGABYTES)),
        *("-kernel", str(boot.kernel), "-initrd", str(boot.initrd), "-append", f"{_KERNEL_LINE} start={start}"),
        *("-drive", f"file=nbd+unix:///?socket={plug.socket},format=raw,cache=writeback,if=virtio"),
        *("-netdev", f"user,id=n0,restrict=on,{forwarded}", "-device", "virtio-net-pci,netdev=n0,romfile="),
        *("-device", "virtio-rng-pci", "-serial", f"file:{console}"),
        *("-serial", f"unix:{shell}"),
    ]
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(shell))
        door.listen()
        with subprocess.Popen(command, stdin=subprocess.DEVNULL) as process:
            machine = Machine(process, console, door, stations, api)
            try:
                yield machine
            finally:
                machine.kill()


class Shell:
    """The root shell of a machine under systemd."""

    def __init__(self, machine: Machine) -> None:
        machine.shell_door.settimeout(20)
        self._line, _ = machine.shell_door.accept()
        self._heard = b""

    def wait(self, timeout_seconds: float) -> None:
        """Returns when the shell answers."""
        deadline = time.monotonic() + timeout_seconds
        while True:
            try:
                self.run("true", timeout_seconds=1.0)
                return
            except TimeoutError:
                if time.monotonic() > deadline:
                    raise

    def run(self, command: str, *, timeout_seconds: float = 60.0) -> tuple[int, str]:
        """Run a line; its exit status and what it wrote."""
        self.begin(command)
        return self.finish(timeout_seconds)

    def begin(self, command: str) -> None:
        """Begin a line without waiting for its end."""
        self._mark = secrets.token_hex(6)
        begin, end = self._mark[:6], self._mark[6:]
        # the shell echoes what it is told: the marks are only whole in what it answers
        line = f"echo {begin[:3]}''{begin[3:]}; {{ {command}\n}} 2>&1; echo {end[:3]}''{end[3:]} $?\n"
        self._line.sendall(line.encode())

    def finish(self, timeout_seconds: float) -> tuple[int, str]:
        """Wait for the end of what was begun."""
        begin, end = self._mark[:6].encode(), self._mark[6:].encode()
        pattern = re.compile(begin + rb"\r?\n(.*?)" + end + rb" (\d+)\r?\n", re.DOTALL)
        deadline = time.monotonic() + timeout_seconds
        while (match := pattern.search(self._heard)) is None:
            self._line.settimeout(max(deadline - time.monotonic(), 0.01))
            part = self._line.recv(65536)
            if not part:
                raise ConnectionError("the machine is off")
            self._heard += part
        self._heard = self._heard[match.end() :]
        return int(match[2]), match[1].decode(errors="replace").replace("\r", "")

    def close(self) -> None:
        """Leave the line."""
        self._line.close()


def _free_ports(count: int) -> list[int]:
    held = [socket.socket() for _ in range(count)]
    try:
        for one in held:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in held]
    finally:
        for one in held:
            one.close()
