"""The figures of the project: what each says, its goal, what lies beyond it, and how it comes from the samples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bench import scenarios, transfers
from bench.measuring import ECHO, GATEWAY, NAIVE_STORING, OCPP_RPC, Bench, Run, Sample, Unmeasurable

Values = list[float]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: a figure or a part of one. `values` has one value per round."""

    text: str
    goal: float | None
    beyond: float | None
    values: Callable[[Bench], Values]
    larger_is_better: bool = False
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure: the runs it shares with others, and its rows."""

    key: str
    rows: tuple[Row, ...]
    runs: Callable[[Bench], tuple[Run, ...]] = lambda bench: ()


def _cpu(sample: Sample) -> float:
    return sample.cpu_us_per_message


def _rate(sample: Sample) -> float:
    return sample.messages_per_second


def _ratio(
    upper: Callable[[Bench], Run], lower: Callable[[Bench], Run], of: Callable[[Sample], float] = _cpu
) -> Callable[[Bench], Values]:
    def values(bench: Bench) -> Values:
        for run in (upper(bench), lower(bench)):
            if run in bench.failures:
                raise Unmeasurable(f"{run.server}: {bench.failures[run]}")
        pairs = zip(bench.samples[upper(bench)], bench.samples[lower(bench)], strict=True)
        return [of(above) / of(below) for above, below in pairs]

    return values


def _run(server: str, stations: int, *, filled: bool = False, slow_disk: bool = False) -> Callable[[Bench], Run]:
    return lambda bench: Run(server, bench.stations(stations), filled, slow_disk)


def _runs(*runs: Callable[[Bench], Run]) -> Callable[[Bench], tuple[Run, ...]]:
    return lambda bench: tuple(run(bench) for run in runs)


def _once(scene: Callable[[Bench], list[tuple[float, float]]]) -> tuple[Callable[[Bench], Values], ...]:
    """Two rows from one scene: the first row measures, the second takes what the first has measured."""
    measured: list[tuple[float, float]] = []

    def first(bench: Bench) -> Values:
        measured[:] = scene(bench)
        return [value for value, _ in measured]

    return first, lambda bench: [value for _, value in measured]


_echo = _run(ECHO, 1000)
_ours = _run(GATEWAY, 1000)
_ours_100 = _run(GATEWAY, 100)
_ours_10 = _run(GATEWAY, 10)
_ours_filled = _run(GATEWAY, 1000, filled=True)
_naive = _run(NAIVE_STORING, 1000)
_naive_100 = _run(NAIVE_STORING, 100)
_node = _run(OCPP_RPC, 1000)
_ours_slow_10 = _run(GATEWAY, 10, slow_disk=True)
_ours_slow_1000 = _run(GATEWAY, 1000, slow_disk=True)
_naive_slow_10 = _run(NAIVE_STORING, 10, slow_disk=True)
_naive_slow_1000 = _run(NAIVE_STORING, 1000, slow_disk=True)
_memory_start, _memory_station = _once(scenarios.memory)
_transfer_speed, _transfer_answers = _once(transfers.downloads)
_day_given, _day_sent = _once(scenarios.bytes_of_a_day)

FIGURES: tuple[Figure, ...] = (
    Figure(
        "P1",
        (Row("CPU per message, 1,000 stations: gateway / bare echo", 1.0, 0.7, _ratio(_ours, _echo)),),
        _runs(_echo, _ours),
    ),
    Figure(
        "P2",
        (
            Row("CPU per message, 1,000 stations: naive with aiosqlite / gateway", 25, 45, _ratio(_naive, _ours), True),
            Row("the same, 100 stations", 15, 25, _ratio(_naive_100, _ours_100), True),
        ),
        _runs(_ours, _naive, _ours_100, _naive_100),
    ),
    Figure(
        "P3",
        (Row("CPU per message: gateway / `ocpp-rpc` strict, no storage", 1.0, 0.7, _ratio(_ours, _node)),),
        _runs(_ours, _node),
    ),
    Figure(
        "P4",
        (
            Row(
                "p99 of an answer, 200 stations, a message each 3 s: gateway / (fsync + echo)",
                2,
                1.3,
                scenarios.answer_under_paced_load,
            ),
        ),
    ),
    Figure(
        "P5",
        (
            Row("storm of 1,000 connecting and booting: gateway / naive, wall time", 0.5, 0.3, scenarios.storm),
            Row("errors in the storm", 0, 0, lambda bench: bench.storm_errors),
        ),
    ),
    Figure(
        "P6",
        (
            Row("CPU per message: 1,000 stations / 10 stations", 1.2, None, _ratio(_ours, _ours_10)),
            Row("CPU per message: ten million rows stored / empty", 1.3, None, _ratio(_ours_filled, _ours)),
        ),
        _runs(_ours, _ours_10, _ours_filled),
    ),
    Figure(
        "P7",
        (
            Row("memory after start", 60, 45, _memory_start, unit=" MB"),
            Row("memory per connected station", 25, 18, _memory_station, unit=" kB"),
        ),
    ),
    Figure("P8", (Row("start to first answer with a year of data / naive start", 1.0, 0.6, scenarios.start),)),
    Figure("P9", (Row("CPU with 100 idle stations", 0.3, 0.15, scenarios.idle, unit=" % of a core"),)),
    Figure(
        "P10",
        (
            Row(
                "fsync slowed to 8 ms, messages/s at 10 stations: gateway / naive",
                3,
                None,
                _ratio(_ours_slow_10, _naive_slow_10, _rate),
                True,
            ),
            Row("the same at 1,000 stations", 12, 15, _ratio(_ours_slow_1000, _naive_slow_1000, _rate), True),
        ),
        _runs(_ours_slow_10, _naive_slow_10, _ours_slow_1000, _naive_slow_1000),
    ),
    Figure(
        "P13",
        (
            Row("bytes/s of one download: gateway / nginx", 0.8, 1.0, _transfer_speed, True),
            Row("p99 of an answer while ten stations download 12 MB/s each / quiet", 2, 1.2, _transfer_answers),
        ),
    ),
    Figure(
        "P14",
        (
            Row("bytes given to write, 20 stations, one day / bytes of frames received", 2, 1, _day_given),
            Row("bytes the kernel sent to the disk / bytes of frames received", None, None, _day_sent),
        ),
    ),
)
