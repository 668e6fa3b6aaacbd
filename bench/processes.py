"""Servers under test as processes: started pinned to one core, watched through /proc, ended by their own pid.

CPU time is the process's own clock (user and system, all threads, nanoseconds), children added. This file does not know
what is measured.
"""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

START_PATIENCE_SECONDS = 180.0
STOP_PATIENCE_SECONDS = 60.0


class ServerFailed(Exception):
    """The server ended or did not listen in time; the text has the end of what it wrote."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to start one server: a command with its port in it, and where it writes."""

    name: str
    command: tuple[str, ...]
    port: int
    directory: Path
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    recipe: Recipe
    process: subprocess.Popen[bytes]
    answering_after_seconds: float

    def cpu_seconds(self) -> float:
        """CPU time so far, children included."""
        return sum(cpu_seconds(pid) for pid in _family(self.process.pid))

    def resident_bytes(self) -> int:
        """Resident memory now, children included."""
        return sum(resident_bytes(pid) for pid in _family(self.process.pid))

    def settle(self, patience_seconds: float = 120.0) -> None:
        """Wait until deferred work is done: less than 2 ms of CPU in 100 ms, twice in a row."""
        quiet = 0
        deadline = time.perf_counter() + patience_seconds
        while quiet < 2 and time.perf_counter() < deadline:
            before = self.cpu_seconds()
            time.sleep(0.1)
            quiet = quiet + 1 if self.cpu_seconds() - before < 0.002 else 0

    def stop_and_count_bytes(self) -> tuple[int, int]:
        """Stop in order; (bytes given to write calls on files, bytes the kernel sent to the disk) of its whole life."""
        self.process.send_signal(signal.SIGTERM)
        # the zombie still has its counters: what is written while closing counts too
        os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOWAIT)
        return written_bytes(self.process.pid)


def written_bytes(pid: int) -> tuple[int, int]:
    """`wchar` and `write_bytes` of /proc/PID/io. Sockets are written by send and do not count in wchar."""
    lines = Path(f"/proc/{pid}/io").read_text().splitlines()
    counters = {name: int(value) for name, value in (line.split(": ") for line in lines)}
    return counters["wchar"], counters["write_bytes"]


@contextmanager
def running(recipe: Recipe) -> Iterator[Server]:
    """Start the server pinned to the first core, wait until it answers, stop it at the end."""
    log_path = recipe.directory / f"{recipe.name}.log"
    with log_path.open("wb") as log:
        began = time.perf_counter()
        with _pinned_to(_cores()[0]):
            process = subprocess.Popen(
                recipe.command, stdout=log, stderr=log, cwd=recipe.directory, env=_environment(recipe)
            )
        try:
            _wait_until_listening(process, recipe.port, log_path)
            yield Server(recipe, process, time.perf_counter() - began)
        finally:
            _stop(process)


def pin_the_load() -> int:
    """Pin this process to a core of its own, raise the file limit; the number of cores that can be used."""
    cores = _cores()
    os.sched_setaffinity(0, {cores[-1]})
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return len(cores)


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def python(script: Path) -> tuple[str, ...]:
    """The command that runs a script with this interpreter."""
    return (sys.executable, str(script))


_ALL_CORES = sorted(os.sched_getaffinity(0))


def _cores() -> list[int]:
    return _ALL_CORES


def _environment(recipe: Recipe) -> dict[str, str]:
    """Ours and the recipe's; Python may keep its bytecode, as every installation does."""
    ours = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return ours | dict(recipe.environment)


@contextmanager
def _pinned_to(core: int) -> Iterator[None]:
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _wait_until_listening(process: subprocess.Popen[bytes], port: int, log_path: Path) -> None:
    deadline = time.perf_counter() + START_PATIENCE_SECONDS
    while time.perf_counter() < deadline:
        if process.poll() is not None:
            raise ServerFailed(f"ended with {process.returncode}: {_end_of(log_path)}")
        if _answers(port, deadline):
            return
        time.sleep(0.002)
    raise ServerFailed(f"does not listen: {_end_of(log_path)}")


def _answers(port: int, deadline: float) -> bool:
    """Whether a request is answered, with whatever: a kernel takes connections for a server that is still busy."""
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) != 0:
            return False
        probe.settimeout(max(0.1, deadline - time.perf_counter()))
        try:
            probe.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            return bool(probe.recv(1))
        except OSError:
            return False


def _end_of(log_path: Path) -> str:
    return log_path.read_text("utf-8", "replace")[-400:].strip().replace("\n", " / ")


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(STOP_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()


def _family(pid: int) -> list[int]:
    found = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += _family(int(child))
    return found


def cpu_seconds(pid: int) -> float:
    """CPU time of a process so far, of all its threads."""
    return time.clock_gettime((~pid << 3) | 2)  # what clock_getcpuclockid(3) gives on Linux


def resident_bytes(pid: int) -> int:
    """Resident memory of a process now."""
    resident_pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return resident_pages * os.sysconf("SC_PAGE_SIZE")
