"""The station clients that nobody of this project wrote: where they are, how to start, talk to and end them.

npm puts its clients into foreign/node_modules (`./dev test` runs it); pip puts `test-ocpp` beside this Python. A client
that is missing fails the test. This file does not know what the clients are used for.
"""

from __future__ import annotations

import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.end_to_end.running_gateway import Document, wait_until

FOREIGN = Path(__file__).parent / "foreign"

_PATIENCE_SECONDS = 60.0


def node_command(client: str, script: Path) -> list[str]:
    """The command that runs a JavaScript file which needs an npm client."""
    node = shutil.which("node")
    assert node is not None, "Node.js (18 or newer) is missing: apt-get install nodejs npm"
    assert (FOREIGN / "node_modules" / client).is_dir(), (
        f"the npm package {client} is missing: run `npm ci --ignore-scripts` in tests/end_to_end/foreign,"
        " or `./dev test`, which does so"
    )
    return [node, str(script)]


def ocpp_ws_cli(*words: str) -> list[str]:
    """`ocpp WORDS` of ocpp-ws-cli."""
    return [*node_command("ocpp-ws-cli", FOREIGN / "node_modules/ocpp-ws-cli/dist/index.js"), *words]


def boot_tester(*words: str) -> list[str]:
    """`test-ocpp WORDS`."""
    script = Path(sys.executable).with_name("test-ocpp")
    assert script.exists(), "test-ocpp is missing: pip install -r requirements-dev.lock"
    return [str(script), *words]


def run_to_end(command: list[str], *, patience_seconds: float = _PATIENCE_SECONDS) -> subprocess.CompletedProcess[str]:
    """Run a client that ends by itself; both outputs are in `stdout`."""
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=patience_seconds,
        check=False,
    )


class Client:
    """A client that runs until it is told to end; its output goes to a file."""

    def __init__(self, process: subprocess.Popen[bytes], output: Path) -> None:
        self._process = process
        self._output = output

    def press(self, keys: str) -> None:
        """Write to its standard input."""
        assert self._process.stdin is not None
        self._process.stdin.write(keys.encode())
        self._process.stdin.flush()

    def output(self) -> str:
        """Everything that it wrote so far."""
        return self._output.read_text("utf-8", "replace")

    def interrupt(self) -> None:
        """What ctrl-c does."""
        self._process.send_signal(signal.SIGINT)

    def is_running(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.poll() is None


@contextmanager
def running_client(command: list[str], output: Path) -> Iterator[Client]:
    """A client in the background, killed at the end of the block if it has not ended by then."""
    with output.open("wb") as sink:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=sink, stderr=subprocess.STDOUT)
    try:
        yield Client(process, output)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        assert process.stdin is not None
        process.stdin.close()


def report_of(directory: Path, client: Client | None = None) -> Document:
    """The one JSON report that ocpp-ws-cli writes into a directory, as soon as it is complete."""
    found: list[Document] = []

    def is_there() -> bool:
        for path in directory.glob("ocpp-*-report-*.json"):
            try:
                found.append(json.loads(path.read_text("utf-8")))
            except ValueError:
                continue  # still being written
        return bool(found)

    wait_until(is_there, f"a report in {directory}" + (f"\n{client.output()[-4000:]}" if client else ""))
    return found[0]


class Script:
    """One of our stations of foreign/*.mjs: it tells events as JSON lines and takes JSON lines."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._told: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def expect(self, event: str) -> Document:
        """The next event, which must have this name."""
        try:
            line = self._lines.get(timeout=_PATIENCE_SECONDS)
        except queue.Empty:
            raise AssertionError(f"waited in vain for {event!r} after\n{self._story()}") from None
        assert line is not None, f"the station ended before {event!r}, after\n{self._story()}"
        told: Document = json.loads(line)
        assert told["event"] == event, f"expected {event!r}, after\n{self._story()}"
        return told

    def go_on(self) -> None:
        """The station waits for this at certain points."""
        assert self._process.stdin is not None
        self._process.stdin.write("go on\n")
        self._process.stdin.flush()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._told.append(line)
            if line.startswith("{"):
                self._lines.put(line)
        self._lines.put(None)

    def finish(self) -> None:
        """Close everything and wait for the reader."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._reader.join()
        self._process.stdout.close()

    def _story(self) -> str:
        return "".join(self._told[-40:])


@contextmanager
def running_script(name: str, settings: Document) -> Iterator[Script]:
    """A script of foreign/ with its settings as JSON argument; it must have told `done` before the block ends."""
    process = subprocess.Popen(
        [*node_command("ocpp-rpc", FOREIGN / name), json.dumps(settings)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "NO_COLOR": "1"},
    )
    script = Script(process)
    try:
        yield script
    finally:
        script.finish()
