"""Rounds: which server runs against how many stations, one after another, again and again, and what each run cost.

Rounds are interleaved (A B C, A B C, ...), so that a change of the machine's mood meets every server alike; a ratio is
taken inside one round. Every run gets a fresh process and a fresh directory.
"""

from __future__ import annotations

import gc
import shutil
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from bench.filling import fill
from bench.load_generator import Load
from bench.messages import MIX, MIX_MESSAGES
from bench.processes import Recipe, Server, ServerFailed, free_port, python, running

HERE = Path(__file__).parent
SLOW_FSYNC_MICROSECONDS = 8000

GATEWAY = "gateway"
ECHO = "echo"
NAIVE = "naive"
NAIVE_STORING = "naive+aiosqlite"
OCPP_RPC = "ocpp-rpc"

# What stations say is measured: the few requests that the gateway sends by itself would come at odd moments.
_GATEWAY_TOML = """
[site]
id = "bench"
[data]
directory = "{data}"
[ocpp]
host = "127.0.0.1"
port = {port}
unknown_stations = "accept"
unknown_tags = "accept"
max_unknown_stations = 10000
automatic_calls = false
[web]
host = "127.0.0.1"
port = {web_port}
[firmware]
host = "127.0.0.1"
port = {firmware_port}
transfers_at_once = 10
"""


class Unmeasurable(Exception):
    """This machine cannot measure the figure; the text says what is missing."""


@dataclass(frozen=True, slots=True)
class Run:
    """One server under the realistic mix. `filled`: on a database that already holds years; `slow_disk`: 8 ms fsync."""

    server: str
    stations: int
    filled: bool = False
    slow_disk: bool = False


@dataclass(frozen=True, slots=True)
class Sample:
    """What one run cost. CPU per frame that the server received, answers to its own calls included."""

    cpu_us_per_message: float
    messages_per_second: float
    p50_ms: float
    p99_ms: float
    calls_answered: int


@dataclass(slots=True)
class Bench:
    """One invocation: its sizes, its directory, and the samples of every run so far."""

    directory: Path
    rounds: int
    quick: bool
    samples: dict[Run, list[Sample]] = field(default_factory=lambda: defaultdict(list))
    errors: Counter[tuple[str, str]] = field(default_factory=Counter)
    failures: dict[Run, str] = field(default_factory=dict)
    storm_errors: list[float] = field(default_factory=list)
    _filled: Path | None = None
    _compiled: set[str] = field(default_factory=set)

    def stations(self, count: int) -> int:
        """The number of stations: a tenth in a quick bench, at least ten."""
        return max(10, count // 10) if self.quick else count

    def measure_rounds(self, runs: Iterable[Run]) -> None:
        """Measure every run once per round, interleaved. A run that fails is not tried again: `failures` says why."""
        wanted = list(dict.fromkeys(runs))
        for number in range(1, self.rounds + 1):
            for run in wanted:
                if run in self.failures:
                    continue
                try:
                    sample = self._measure(run)
                except (ServerFailed, Unmeasurable) as failure:
                    self.failures[run] = str(failure)
                    say(f"round {number}: {run.server}: {failure}")
                else:
                    self.samples[run].append(sample)
                    say(f"round {number}: {_told(run, sample)}")

    @contextmanager
    def serving(self, name: str, *, slow_disk: bool = False, filled: bool = False) -> Iterator[Server]:
        """A fresh server of that name. Errors that its stations count belong to `load_on`."""
        self._compile(name)
        directory = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.directory))
        data = self.filled_data() if filled else directory
        try:
            environment = _slow_disk(self.directory) if slow_disk else {}
            with running(self.recipe(name, directory, data, environment)) as server:
                yield server
        finally:
            shutil.rmtree(directory)

    @contextmanager
    def load_on(self, server: Server, stations: int) -> Iterator[Load]:
        """Stations for that server; their errors are kept for the report."""
        gc.collect()
        gc.disable()
        try:
            with Load(server.recipe.port, stations, echo=server.recipe.name == ECHO) as load:
                yield load
                for error, times in load.outcome.errors.items():
                    self.errors[server.recipe.name, error] += times
        finally:
            gc.enable()

    def filled_data(self) -> Path:
        """The data directory of a gateway with years of rows; made once per invocation."""
        if self._filled is None:
            data = self.directory / "filled"
            data.mkdir()
            rows = 1_000_000 if self.quick else 10_000_000
            say(f"filling a database with {rows:,} rows")
            directory = Path(tempfile.mkdtemp(prefix="first-start-", dir=self.directory))
            with running(self.recipe(GATEWAY, directory, data)):
                pass
            fill(data / "gateway.db", rows)
            self._filled = data
        return self._filled

    def _compile(self, name: str) -> None:
        """Start a server once, unmeasured: an installed one finds its bytecode on disk and in the page cache."""
        if name not in self._compiled:
            self._compiled.add(name)
            directory = Path(tempfile.mkdtemp(prefix=f"{name}-compiling-", dir=self.directory))
            with running(self.recipe(name, directory, directory)):
                pass
            shutil.rmtree(directory)

    def recipe(
        self, name: str, directory: Path, data: Path, environment: Mapping[str, str] = MappingProxyType({})
    ) -> Recipe:
        """How to start the server of that name in `directory`."""
        bytecode = {"PYTHONPYCACHEPREFIX": str(self.directory / "bytecode")}
        return Recipe(name, *_command(name, directory, data), directory, {**environment, **bytecode})

    def _measure(self, run: Run) -> Sample:
        with self.serving(run.server, slow_disk=run.slow_disk, filled=run.filled) as server:
            with self.load_on(server, run.stations) as load:
                load.connect()
                warm_up_laps, laps = self._laps(run)
                load.closed_loop(MIX, warm_up_laps)
                server.settle()
                before = server.cpu_seconds()
                outcome = load.closed_loop(MIX, laps)
                server.settle()
                cpu_seconds = server.cpu_seconds() - before
            if not outcome.latencies:
                raise ServerFailed(f"{run.server} answered nothing: {dict(outcome.errors)}")
            return Sample(
                cpu_us_per_message=1e6 * cpu_seconds / (outcome.frames_sent + outcome.calls_answered),
                messages_per_second=len(outcome.latencies) / outcome.wall_seconds,
                p50_ms=1e3 * outcome.percentile(0.5),
                p99_ms=1e3 * outcome.percentile(0.99),
                calls_answered=outcome.calls_answered,
            )

    def _laps(self, run: Run) -> tuple[int, int]:
        """Laps of the mix (before the measurement, in it). Node compiles while it runs: it needs the warm-up most."""
        if run.slow_disk:
            warm_up, messages = 0, 100 * run.stations
        elif run.server in (NAIVE, NAIVE_STORING):
            warm_up, messages = 0, 16_000
        else:
            warm_up, messages = 32_000, 48_000
        divisor = (10 if self.quick else 1) * (2 if run.stations <= 100 else 1) * MIX_MESSAGES * run.stations
        return warm_up // divisor, max(1, messages // divisor)


def say(text: str) -> None:
    """Progress, on standard error."""
    print(text, file=sys.stderr, flush=True)


def _told(run: Run, sample: Sample) -> str:
    told = (
        f"{run.server}{' filled' * run.filled}{' slow disk' * run.slow_disk}, {run.stations} stations: "
        f"{sample.cpu_us_per_message:.1f} us CPU per message, {sample.messages_per_second:.0f} messages/s, "
        f"p50 {sample.p50_ms:.1f} ms, p99 {sample.p99_ms:.1f} ms"
    )
    return told + f", {sample.calls_answered} calls answered" * bool(sample.calls_answered)


def _command(name: str, directory: Path, data: Path) -> tuple[tuple[str, ...], int]:
    """The server's command and its port."""
    port = free_port()
    port_arguments = ("--port", str(port))
    match name:
        case "gateway":
            configuration = directory / "gateway.toml"
            configuration.write_text(
                _GATEWAY_TOML.format(data=data, port=port, web_port=free_port(), firmware_port=free_port())
            )
            return (sys.executable, "-P", "-m", "gateway", "run", "--config", str(configuration)), port
        case "echo":
            return (*python(HERE / "servers" / "echo.py"), *port_arguments), port
        case "naive":
            return (*python(HERE / "servers" / "naive.py"), *port_arguments), port
        case "naive+aiosqlite":
            database = ("--database", str(directory / "naive.db"))
            return (*python(HERE / "servers" / "naive.py"), *port_arguments, *database), port
        case "ocpp-rpc":
            _install_node_packages()
            return (_tool("node"), str(HERE / "servers" / "ocpp_rpc.mjs"), *port_arguments), port
    raise ValueError(f"no server is called {name}")


def _install_node_packages() -> None:
    if not (HERE / "node_modules" / "ocpp-rpc").exists():
        say("installing the Node baseline")
        _run((_tool("npm"), "ci", "--omit=dev", "--ignore-scripts", "--prefix", str(HERE)))


def _slow_disk(directory: Path) -> dict[str, str]:
    """The environment that makes fsync slow; compiles the shim once."""
    library = directory / "slow_fsync.so"
    if not library.exists():
        _run((_tool("gcc"), "-O2", "-shared", "-fPIC", "-o", str(library), str(HERE / "slow_fsync.c"), "-ldl"))
    return {"LD_PRELOAD": str(library), "SLOW_FSYNC_MICROSECONDS": str(SLOW_FSYNC_MICROSECONDS)}


def _tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise Unmeasurable(f"{name} is not installed")
    return found


def _run(command: tuple[str, ...]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unmeasurable(f"{command[0]} failed: {done.stderr[-300:].strip()}")
