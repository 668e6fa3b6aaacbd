"""A Debian system that is booted with its own systemd, in a container without a network (systemd-nspawn).

It boots, runs commands, shows the journal, and ends; nothing of it stays on the host. It does not know the gateway.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

from tests.end_to_end.running_gateway import wait_until
from tests.system import roots

_PATIENCE_SECONDS = 60.0
_ENVIRONMENT = ("env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "HOME=/root", "TERM=dumb")
# The cgroups of the host may be of the first version, which newer systemds refuse: the container gets a hierarchy of
# its own.
_BOOT = """
mount -t cgroup2 cgroup2 /sys/fs/cgroup
exec systemd-nspawn --quiet --directory="$0" --machine="$1" --register=no --keep-unit --private-network --boot \
    --link-journal=no --console=read-only systemd.unified_cgroup_hierarchy=1
"""


class Machine:
    """One container; the folder `tree` is its root."""

    def __init__(self, tree: Path, release: str) -> None:
        self.tree, self.release = tree, release
        self._process: subprocess.Popen[bytes] | None = None
        self._leader = 0
        self._console = tree.with_name(f"{tree.name}.console")

    def boot(self) -> None:
        """Until everything that starts at boot has started."""
        with self._console.open("ab") as console:
            self._process = subprocess.Popen(
                ["unshare", "--mount", "--propagation", "private", "sh", "-ec", _BOOT, str(self.tree), self.tree.name],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
            )
        self.wait_until(self._finds_leader, "the machine to boot")
        # dbus comes with the units: before it, systemctl has nobody to ask
        self.wait_until(lambda: self.succeeds("systemctl", "is-system-running", "--wait"), "all units to start")

    def switch_off(self) -> None:
        """Without a word to anybody in it."""
        if self._leader:
            with suppress(ProcessLookupError):
                os.kill(self._leader, signal.SIGKILL)
        if self._process is not None:
            try:
                self._process.wait(_PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def enter(self, *command: str) -> list[str]:
        """The command of the host that runs this one inside."""
        return ["nsenter", "--target", str(self._leader), "-m", "-u", "-i", "-n", "-p", "-C", "--", *_ENVIRONMENT,
                *command]  # fmt: skip

    def in_its_network(self, *command: str) -> list[str]:
        """The command of the host that runs this program of the host, with the network of the machine."""
        return ["nsenter", "--target", str(self._leader), "-n", "--", *command]

    def attempt(self, *command: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run it inside; `text`: its standard input (nothing else is asked for)."""
        return subprocess.run(
            self.enter(*command),
            input=text or "",
            capture_output=True,
            text=True,
            timeout=_PATIENCE_SECONDS * 5,
        )

    def run(self, *command: str, text: str | None = None) -> str:
        """Standard output of a command that must end with 0."""
        done = self.attempt(*command, text=text)
        if done.returncode != 0:
            self.fail(f"{' '.join(command)} ended with {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def succeeds(self, *command: str) -> bool:
        """Whether it ends with 0."""
        return self.attempt(*command).returncode == 0

    def wait_until(self, condition: Callable[[], bool], what: str, *, seconds: float = _PATIENCE_SECONDS) -> None:
        """Look until it holds; the journal is shown when it does not."""
        try:
            wait_until(condition, what, patience_seconds=seconds)
        except AssertionError as error:
            self.fail(str(error))

    def fail(self, reason: str) -> NoReturn:
        """AssertionError with the machine's journal."""
        if self._leader:
            told = self.attempt("journalctl", "--no-pager", "--lines=80", "--output=short-monotonic").stdout
        else:
            told = self._console.read_text("utf-8", "replace")[-4000:]
        raise AssertionError(f"{self.release}: {reason}\n--- its journal:\n{told}")

    def _finds_leader(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            self.fail("systemd-nspawn ended: these tests need root and the right to make containers")
        with suppress(OSError):  # a process that has just ended: the next look tells
            children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
            for child in children:
                if Path(f"/proc/{child}/comm").read_text().strip() == "systemd":
                    self._leader = int(child)
                    return self.attempt("true").returncode == 0
        return False


@contextmanager
def booted(release: str, folder: Path) -> Iterator[Machine]:
    """A fresh machine of this release, gone after the block."""
    tree = folder / f"machine-{release}"
    roots.unpack(release, tree)
    machine = Machine(tree, release)
    try:
        machine.boot()
        yield machine
    finally:
        machine.switch_off()
        shutil.rmtree(tree, ignore_errors=True)
