"""A real `ocpp-gateway-ftpd` on a free port, with a desk on paper behind its socket; no daemon is needed.

It decides where the process lives and when it counts as started. It does not know what the tests do with it.
"""

from __future__ import annotations

import ftplib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from firmware_store.desk_socket import SOCKET_NAME
from gateway.operations.transfer_folders import make_transfer_folders
from tests.end_to_end.running_gateway import PROJECT, free_ports, wait_until
from tests.fakes.paper_desk import PaperDesk, desk_in_thread

_PATIENCE_SECONDS = 30.0


class RunningFtpd:
    """One process and its desk; both may be stopped and started again."""

    def __init__(self, directory: Path, *, firmware: str = "", more: str = "") -> None:
        self.directory = directory
        self.data = directory / "data"
        self.incoming = self.data / "uploads" / "incoming"
        self.data.mkdir()
        make_transfer_folders(self.data)
        (self.port,) = free_ports(1)
        self.desk = PaperDesk()
        self.log = directory / "ftpd.log"
        self.configuration = directory / "gateway.toml"
        self.configuration.write_text(
            f'[site]\nid = "site"\n[data]\ndirectory = "{self.data}"\n[log]\nlevel = "info"\n'
            f'[firmware]\nhost = "127.0.0.1"\nftp_port = {self.port}\n{firmware}\n{more}\n'
        )
        self._desk = ExitStack()
        self.process: subprocess.Popen[bytes] | None = None

    def start_desk(self) -> None:
        """As the daemon does."""
        self._desk.enter_context(desk_in_thread(self.desk, self.data / SOCKET_NAME))

    def stop_desk(self) -> None:
        """As if the daemon ended."""
        self._desk.close()

    def start(self) -> None:
        """Start the process and wait until it listens."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gateway.ftpd", "--config", str(self.configuration)],
                cwd=PROJECT,
                env={**os.environ, "PYTHONWARNINGS": "error"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        wait_until(self._listens, "ftpd to listen")

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal; the exit code."""
        assert self.process is not None
        process, self.process = self.process, None
        process.send_signal(number)
        try:
            return process.wait(_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(f"signal {number} did not end ftpd\n{self.log_text()}") from None

    def log_text(self) -> str:
        """All that it has written."""
        return self.log.read_text("utf-8")

    def client(self, user: str = "", timeout: float = 20.0) -> ftplib.FTP:
        """A client of the standard library, logged in."""
        client = ftplib.FTP(timeout=timeout)
        client.connect("127.0.0.1", self.port)
        if user:
            client.login(user, "x")
        return client

    def talk(self) -> RawTalk:
        """A connection without any library."""
        return RawTalk(self.port)

    def url(self, user: str, path: str = "") -> str:
        """An address with the token in it."""
        return f"ftp://{user}:x@127.0.0.1:{self.port}/{path}"

    def _listens(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log_text()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


class RawTalk:
    """Lines out, responses in."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self._buffer = b""

    def __enter__(self) -> RawTalk:
        self.hear()
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def say(self, *lines: str) -> None:
        """All of them in one write."""
        self.socket.sendall("".join(f"{line}\r\n" for line in lines).encode())

    def hear(self) -> str:
        """One whole response."""
        while True:
            line = self._line()
            if line[3:4] != "-" and line[:3].isdigit():
                return line

    def ask(self, line: str) -> str:
        """One line, one response."""
        self.say(line)
        return self.hear()

    def log_in(self, token: str) -> str:
        """The response to the password."""
        self.ask(f"USER {token}")
        return self.ask("PASS x")

    def passive(self) -> socket.socket:
        """A data connection."""
        response = self.ask("EPSV")
        port = int(response.split("|||")[1].split("|")[0])
        return socket.create_connection(("127.0.0.1", port), timeout=20)

    def is_closed(self) -> bool:
        """Whether the server hung up; waits for it."""
        while piece := self.socket.recv(4096):
            self._buffer += piece
        return True

    def _line(self) -> str:
        while b"\r\n" not in self._buffer:
            piece = self.socket.recv(4096)
            if not piece:
                raise ConnectionError(f"hung up, after {self._buffer!r}")
            self._buffer += piece
        line, self._buffer = self._buffer.split(b"\r\n", 1)
        return line.decode()


@contextmanager
def running_ftpd(directory: Path, *, firmware: str = "", more: str = "") -> Iterator[RunningFtpd]:
    """Process and desk for the length of the block; at the end nothing unforeseen may stand in the log."""
    ftpd = RunningFtpd(directory, firmware=firmware, more=more)
    ftpd.start_desk()
    try:
        ftpd.start()
        yield ftpd
        if ftpd.process is not None:
            assert ftpd.stop() == 0, ftpd.log_text()
        assert "Traceback" not in ftpd.log_text(), ftpd.log_text()
        for token in ftpd.desk.tickets:
            assert token not in ftpd.log_text()
    finally:
        if ftpd.process is not None:
            ftpd.process.kill()
            ftpd.process.wait()
        ftpd.stop_desk()
