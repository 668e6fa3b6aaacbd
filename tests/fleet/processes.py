"""Child processes of the fleet tests: started in a session of their own, killed, frozen and stopped by their own pid.

It decides how a child is started and ended. It does not know what the child is.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from tests.end_to_end.running_gateway import wait_until

STOP_PATIENCE_SECONDS = 15.0


class Child:
    """One command; `start` may be called again after `kill` or `stop`. Its words are added to `log`."""

    def __init__(
        self, command: Sequence[str], *, log: Path, cwd: Path | None = None, env: Mapping[str, str] | None = None
    ) -> None:
        self.command, self.log = list(command), log
        self._cwd, self._env = cwd, dict(os.environ if env is None else env)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id of the living child."""
        assert self._process is not None, f"{self.command[0]} was not started"
        return self._process.pid

    def start(self) -> None:
        """Start the command; returns at once."""
        assert self._process is None, f"{self.command[0]} was started already"
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                cwd=self._cwd,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def lives(self) -> bool:
        """True while the child lives; AssertionError with its last words when it ended by itself."""
        if self._process is None:
            return False
        code = self._process.poll()
        assert code is None, f"{self.command[0]} ended with {code}\n{self.log_text()[-4000:]}"
        return True

    def kill(self) -> None:
        """SIGKILL to the child and what it started: what a power cut would do to them."""
        process, self._process = self._process, None
        if process is not None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(STOP_PATIENCE_SECONDS)

    def freeze(self) -> None:
        """SIGSTOP: it lives, holds its connections, and does nothing."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT: it goes on where it was."""
        os.kill(self.pid, signal.SIGCONT)

    def stop(self) -> None:
        """SIGTERM, and SIGKILL to whoever does not heed it."""
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_PATIENCE_SECONDS)
        self.kill()

    def log_text(self) -> str:
        """What the child wrote so far."""
        return self.log.read_text("utf-8", "replace")


def listens(port: int) -> bool:
    """Whether somebody takes connections on this port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.settimeout(2)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_for_port(child: Child, port: int, *, patience_seconds: float = 60.0) -> None:
    """Wait until the child listens on the port; AssertionError when it ends or patience does."""
    wait_until(
        lambda: child.lives() and listens(port), f"port {port} of {child.log}", patience_seconds=patience_seconds
    )
