"""A real Mosquitto broker on loopback: a child process in a directory of its own, on a free port.

It decides how the broker is configured, and when it counts as started. Port, persistence and configuration stay the
same over `stop` and `kill`, so that it can be started again as if nothing had happened. It does not know what is sent.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

PROGRAM = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
PASSWORDS = shutil.which("mosquitto_passwd") or "/usr/bin/mosquitto_passwd"

_PATIENCE_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Tls:
    """What the broker shows; `client_ca`: a client must show a certificate of that authority, and is who it names."""

    chain: Path
    key: Path
    client_ca: Path | None = None


class Mosquitto:
    """One broker; `start` and `stop` may be repeated.

    `extra`: more lines of mosquitto.conf. `acl`: the lines of an ACL file. `users`: passwords by name; without it
    everybody may connect. `saves_at_once`: it writes what it keeps a moment after each change (by itself it does so
    when it is stopped); await `save` to be sure before a `kill`. `port`: one of the test's choice.
    """

    def __init__(
        self,
        directory: Path,
        *,
        extra: str = "",
        acl: str = "",
        users: Mapping[str, str] | None = None,
        tls: Tls | None = None,
        saves_at_once: bool = False,
        port: int = 0,
    ) -> None:
        self.directory = directory
        self.port = port or _free_port()
        self._tls = tls
        self._process: subprocess.Popen[bytes] | None = None
        directory.mkdir(parents=True, exist_ok=True)
        self.configure(extra=extra, acl=acl, users=users, saves_at_once=saves_at_once)

    def configure(
        self, *, extra: str = "", acl: str = "", users: Mapping[str, str] | None = None, saves_at_once: bool = False
    ) -> None:
        """Write the configuration anew, for the next start."""
        kept = self.directory / "kept"
        kept.mkdir(exist_ok=True)
        lines = [
            f"listener {self.port} 127.0.0.1",
            "persistence true",
            f"persistence_location {kept}/",
            "log_dest stderr",
            "log_type all",
            "connection_messages true",
            "max_queued_messages 100000",
        ]
        if os.geteuid() == 0:
            lines.append("user root")  # it would become a user who may not read the directories of tests
        if saves_at_once:
            lines += ["autosave_on_changes true", "autosave_interval 1"]
        if acl:
            lines.append(f"acl_file {self._written('acl', acl)}")
        lines += self._who_may_connect(users) + self._tls_lines()
        self._written("mosquitto.conf", "\n".join([*lines, extra, ""]))

    async def start(self) -> None:
        """Start it, and wait until it listens."""
        assert self._process is None, "it is running"
        self._process = self._spawned()
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while not await self._listens():
                assert self._process.poll() is None, f"mosquitto ended\n{self.log_text()}"
                await asyncio.sleep(0.02)

    async def stop(self) -> None:
        """SIGTERM: it takes leave of its clients and writes what it keeps. Does nothing when it is not running."""
        if self._process is None:
            return
        process, self._process = self._process, None
        process.send_signal(signal.SIGCONT)
        process.terminate()
        try:
            await asyncio.to_thread(process.wait, _PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(f"SIGTERM did not end mosquitto\n{self.log_text()}") from None

    def kill(self) -> None:
        """SIGKILL: it says nothing to anybody; what was not saved is lost."""
        assert self._process is not None
        process, self._process = self._process, None
        process.kill()
        process.wait()

    async def save(self) -> None:
        """What it keeps is on disk: nothing that it confirmed before is lost by `kill`."""
        kept = self.directory / "kept" / "mosquitto.db"
        before = _identity(kept)
        self._signal(signal.SIGUSR1)
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while True:
                if _identity(kept) != before:
                    return
                await asyncio.sleep(0.005)

    def freeze(self) -> None:
        """It stands still: connections stay open, and nobody reads or answers (as behind a dead NAT)."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on as if no time had passed."""
        self._signal(signal.SIGCONT)

    def reload(self) -> None:
        """SIGHUP: it reads passwords, ACL and certificates again (change them with `configure`)."""
        self._signal(signal.SIGHUP)

    def log_text(self) -> str:
        """All that it said so far."""
        log = self.directory / "mosquitto.log"
        return log.read_text(errors="replace") if log.exists() else ""

    def _spawned(self) -> subprocess.Popen[bytes]:
        with (self.directory / "mosquitto.log").open("ab") as log:
            return subprocess.Popen(
                [PROGRAM, "-c", str(self.directory / "mosquitto.conf")],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def _signal(self, which: signal.Signals) -> None:
        assert self._process is not None, "it is not running"
        self._process.send_signal(which)

    async def _listens(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        writer.close()
        await writer.wait_closed()
        return True

    def _who_may_connect(self, users: Mapping[str, str] | None) -> list[str]:
        if users is None:
            return ["allow_anonymous true"]
        file = self._written("passwords", "".join(f"{name}:{password}\n" for name, password in users.items()))
        subprocess.run([PASSWORDS, "-U", str(file)], check=True, capture_output=True)
        return ["allow_anonymous false", f"password_file {file}"]

    def _tls_lines(self) -> list[str]:
        if self._tls is None:
            return []
        lines = [f"certfile {self._tls.chain}", f"keyfile {self._tls.key}"]
        if self._tls.client_ca is not None:
            lines += [f"cafile {self._tls.client_ca}", "require_certificate true", "use_identity_as_username true"]
        return lines

    def _written(self, name: str, text: str) -> Path:
        file = self.directory / name
        file.write_text(text)
        file.chmod(0o600)
        return file


@asynccontextmanager
async def mosquitto(
    directory: Path,
    *,
    extra: str = "",
    acl: str = "",
    users: Mapping[str, str] | None = None,
    tls: Tls | None = None,
    saves_at_once: bool = False,
) -> AsyncIterator[Mosquitto]:
    """A running broker for the length of the block."""
    broker = Mosquitto(directory, extra=extra, acl=acl, users=users, tls=tls, saves_at_once=saves_at_once)
    await broker.start()
    try:
        yield broker
    finally:
        await broker.stop()


def _identity(file: Path) -> tuple[int, int] | None:
    try:
        status = file.stat()
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_mtime_ns


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert isinstance(port, int)
    return port
