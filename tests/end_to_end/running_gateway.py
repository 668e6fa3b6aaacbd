"""A real daemon in a directory of its own, `python -m gateway run`; reached by its ports, its API, its command line.

It decides where the daemon lives, on which free ports, and when it counts as started and stopped. It does not know
the gateway's code, and not what the tests do with it.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

PROJECT = Path(__file__).resolve().parents[2]

_PATIENCE_SECONDS = 30.0
_WRONG_IN_A_LOG = re.compile(r"^Traceback \(most recent call last\)|^\S+ (?:error|critical) ", re.MULTILINE)

Document = dict[str, object]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API said: HTTP status and the JSON document (None for an empty or other body)."""

    status: int
    document: object


class RunningGateway:
    """One daemon; `start` and `stop` may be repeated, the data and the ports stay."""

    def __init__(self, directory: Path, *, stations_port: int, web_port: int) -> None:
        self.directory = directory
        self.configuration = directory / "gateway.toml"
        self.log = directory / "daemon.log"
        self.ocpp_url = f"ws://127.0.0.1:{stations_port}/ocpp"
        self.web_url = f"http://127.0.0.1:{web_port}"
        self.environment: dict[str, str] = {}  # beside that of the tests
        self._process: subprocess.Popen[bytes] | None = None
        self._token = ""

    def start(self) -> None:
        """Start the daemon and wait until /readyz says so."""
        self.launch()
        wait_until(lambda: self._process_lives() and self.is_ready(), "the daemon to be ready")
        if not self._token:
            self._token = self.command("token", "create", "--role", "installer").split()[-1]

    def launch(self) -> None:
        """Start the daemon and wait for nothing."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "gateway", "run", "--config", str(self.configuration)],
                cwd=PROJECT,
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def stop(self) -> int:
        """SIGTERM; the daemon's exit code."""
        assert self._process is not None
        process, self._process = self._process, None
        process.send_signal(signal.SIGTERM)
        try:
            return process.wait(_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(f"SIGTERM did not end the daemon\n{self.log_text()}") from None

    def kill(self) -> None:
        """SIGKILL: what a power cut would do to the process."""
        assert self._process is not None
        process, self._process = self._process, None
        process.kill()
        process.wait(_PATIENCE_SECONDS)

    @property
    def pid(self) -> int:
        """The daemon's process."""
        assert self._process is not None
        return self._process.pid

    @property
    def token(self) -> str:
        """What an installer shows."""
        return self._token

    def hang_up(self) -> None:
        """SIGHUP: it reads its configuration again."""
        assert self._process is not None
        self._process.send_signal(signal.SIGHUP)

    def freeze(self) -> None:
        """SIGSTOP: it lives, holds its connections, and does nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT: it goes on where it was."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def command(self, *words: str) -> str:
        """Standard output of `ocpp-gateway WORDS --config FILE`, which must end with 0."""
        done = self.try_command(*words)
        assert done.returncode == 0, f"ocpp-gateway {' '.join(words)} ended with {done.returncode}: {done.stderr}"
        return done.stdout

    def try_command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """The same, however it ends."""
        return subprocess.run(
            [sys.executable, "-m", "gateway", *words, "--config", str(self.configuration)],
            cwd=PROJECT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PATIENCE_SECONDS,
            check=False,
        )

    def is_ready(self) -> bool:
        """Whether /readyz answers 200."""
        try:
            with urllib.request.urlopen(self.web_url + "/readyz", timeout=5) as response:
                return bool(response.status == 200)
        except urllib.error.HTTPError as refusal:
            refusal.close()
            return False
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            return False

    def ask(self, method: str, path: str, body: object | None = None) -> Answer:
        """One request to /api/v1 as installer, whatever the status of its answer."""
        request = urllib.request.Request(
            f"{self.web_url}/api/v1{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=_PATIENCE_SECONDS) as response:
                return _answer(response.status, response.read())
        except urllib.error.HTTPError as refusal:
            with refusal:
                return _answer(refusal.code, refusal.read())

    def get(self, path: str) -> Document:
        """The document at a path of /api/v1, which must be there."""
        answer = self.ask("GET", path)
        assert answer.status == 200 and isinstance(answer.document, dict), f"GET {path}: {answer}"
        return answer.document

    def put(self, path: str, body: Document) -> None:
        """Make or change what stands at a path of /api/v1."""
        answer = self.ask("PUT", path, body)
        assert answer.status in (200, 201), f"PUT {path}: {answer}"

    def call(self, station: str, action: str, payload: Document) -> Document:
        """Have an OCPP request sent to the station; the API's document, which must say that it was answered."""
        answer = self.ask("POST", f"/stations/{quote(station, safe='')}/commands/{action}", payload)
        assert answer.status == 200 and isinstance(answer.document, dict), f"{action} to {station}: {answer}"
        return answer.document

    def transactions(self, station: str) -> list[Document]:
        """All transactions of a station, oldest first."""
        page = self.get(f"/transactions?station={quote(station, safe='')}&limit=1000")
        items = page["items"]
        assert isinstance(items, list) and page["next"] is None
        return sorted(items, key=lambda item: item["transaction_id"])

    def is_connected(self, station: str) -> bool:
        """Whether the API knows the station and shows it as connected."""
        document = self.ask("GET", f"/stations/{quote(station, safe='')}").document
        return isinstance(document, dict) and document.get("connected") is True

    def connector_status(self, station: str, connector: int) -> str:
        """What the API shows as the connector's status; empty when it never told one."""
        connectors = self.get(f"/stations/{quote(station, safe='')}")["connectors"]
        assert isinstance(connectors, list)
        return next((str(known["status"]) for known in connectors if known["connector"] == connector), "")

    def log_text(self) -> str:
        """Everything that the daemon wrote so far."""
        return self.log.read_text("utf-8", "replace")

    def assert_unharmed(self) -> None:
        """The daemon lives, is ready, and reported neither a traceback nor an error."""
        assert self._process_lives()
        assert self.is_ready(), "the daemon is not ready any more"
        assert not _WRONG_IN_A_LOG.search(self.log_text()), self.log_text()[-8000:]

    def _process_lives(self) -> bool:
        assert self._process is not None
        code = self._process.poll()
        assert code is None, f"the daemon ended with {code}\n{self.log_text()[-8000:]}"
        return True


@contextmanager
def running_gateway(
    directory: Path,
    *,
    ocpp: Document | None = None,
    firmware: Document | None = None,
    more: str = "",
    environment: dict[str, str] | None = None,
) -> Iterator[RunningGateway]:
    """A started daemon. `ocpp`, `firmware`: keys of these tables beside host and port; `more`: further TOML tables.

    Leaving the block stops the daemon, which must end with 0 and must have logged nothing wrong.
    """
    stations_port, web_port, firmware_port = free_ports(3)
    directory.mkdir(parents=True, exist_ok=True)
    keys = {"host": "127.0.0.1", "port": stations_port, **(ocpp or {})}
    of_firmware = {"host": "127.0.0.1", "port": firmware_port, **(firmware or {})}
    (directory / "gateway.toml").write_text(
        '[site]\nid = "foreign-stations"\n'
        f"[data]\ndirectory = {json.dumps(str(directory / 'data'))}\n"
        '[log]\nlevel = "info"\n'
        f'[web]\nhost = "127.0.0.1"\nport = {web_port}\n'
        + _table("firmware", of_firmware)
        + _table("ocpp", keys)
        + more
    )
    gateway = RunningGateway(directory, stations_port=stations_port, web_port=web_port)
    gateway.environment = environment or {}
    try:
        gateway.start()
        yield gateway
        gateway.assert_unharmed()
    except BaseException:
        with suppress(AssertionError):
            gateway.stop()
        raise
    code = gateway.stop()
    assert code == 0, f"after SIGTERM the daemon ended with {code}\n{gateway.log_text()[-8000:]}"


def _table(name: str, keys: Document) -> str:
    return f"[{name}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in keys.items())


def free_ports(count: int) -> list[int]:
    """Different TCP ports of 127.0.0.1 on which nobody listens."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [taken.getsockname()[1] for taken in sockets]
    for taken in sockets:
        taken.close()
    return ports


def wait_until(condition: Callable[[], bool], what: str, *, patience_seconds: float = _PATIENCE_SECONDS) -> None:
    """Ask for the condition until it holds; AssertionError when patience ends."""
    deadline = time.monotonic() + patience_seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {patience_seconds:g} s in vain for {what}"
        time.sleep(0.05)  # between two looks at another process, which has no way to call us


def _answer(status: int, body: bytes) -> Answer:
    try:
        return Answer(status, json.loads(body))
    except ValueError:
        return Answer(status, None)
