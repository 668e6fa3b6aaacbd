"""Figures that need a scene of their own: paced load, a storm, memory, a start, idling, a day's writing.

Each function gives one value per round, ready to be held against its goal.
"""

from __future__ import annotations

import heapq
import os
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from bench.measuring import ECHO, GATEWAY, NAIVE, NAIVE_STORING, Bench, say
from bench.messages import MIX, Message, boot, day_of_a_station, heartbeat, meter_values
from bench.processes import written_bytes

# A real station says about one MeterValues in 30 s; this is ten times that.
PACED_STATIONS = 200
PACED_SECONDS = 3.0
UNTIL_CHARGING = 5  # the messages of the mix before its MeterValues
_DAY_STATIONS = 20
_STARTS_IN_A_ROUND = 5  # a start is short and the machine is not alone: the median counts


def answer_under_paced_load(bench: Bench) -> list[float]:
    """P4: p99 of the gateway's answer / (p99 of fsync + p99 of the echo), 200 stations, a message each 3 s."""
    ratios = []
    for _ in range(bench.rounds):
        fsync = _fsync_p99_seconds(bench.directory, 30 if bench.quick else 300)
        echo = _paced_p99_seconds(bench, ECHO)
        gateway = _paced_p99_seconds(bench, GATEWAY)
        say(f"P4: p99 fsync {fsync * 1e3:.2f} ms, echo {echo * 1e3:.2f} ms, gateway {gateway * 1e3:.2f} ms")
        ratios.append(gateway / (fsync + echo))
    return ratios


def storm(bench: Bench) -> list[float]:
    """P5: wall time until 1,000 stations have connected and booted, gateway / naive without storage."""
    ratios = []
    for _ in range(bench.rounds):
        walls = {}
        for name in (NAIVE, GATEWAY):
            with bench.serving(name) as server, bench.load_on(server, bench.stations(1000)) as load:
                server.settle()  # what a server imports after it listens is not the storm's
                walls[name] = load.storm().wall_seconds
                if name == GATEWAY:
                    bench.storm_errors.append(float(load.outcome.errors.total()))
        say(f"P5: storm naive {walls[NAIVE]:.2f} s, gateway {walls[GATEWAY]:.2f} s")
        ratios.append(walls[GATEWAY] / walls[NAIVE])
    return ratios


def memory(bench: Bench) -> list[tuple[float, float]]:
    """P7: (MB after start, kB per connected and booted station), resident."""
    values = []
    for _ in range(bench.rounds):
        with bench.serving(GATEWAY) as server:
            server.settle()
            empty = server.resident_bytes()
            with bench.load_on(server, bench.stations(1000)) as load:
                load.connect()
                load.closed_loop((boot,))
                server.settle()
                full = server.resident_bytes()
        values.append((empty / 1e6, (full - empty) / 1e3 / bench.stations(1000)))
    return values


def start(bench: Bench) -> list[float]:
    """P8: from spawning to the first answer, gateway on a year of rows / naive on an empty database."""
    ratios = []
    bench.filled_data()
    for _ in range(bench.rounds):
        took: dict[str, list[float]] = {"naive": [], "gateway with a year of data": [], "gateway empty": []}
        for _ in range(_STARTS_IN_A_ROUND):
            for scene, (name, filled) in zip(
                took, ((NAIVE_STORING, False), (GATEWAY, True), (GATEWAY, False)), strict=True
            ):
                with bench.serving(name, filled=filled) as server:
                    took[scene].append(server.answering_after_seconds)
        naive, gateway, empty = (median(times) for times in took.values())
        say(f"P8: naive answers after {naive:.3f} s, gateway with a year of data {gateway:.3f} s, empty {empty:.3f} s")
        ratios.append(gateway / naive)
    return ratios


def idle(bench: Bench) -> list[float]:
    """P9: per cent of a core with 100 charging-ready stations that say a Heartbeat each 300 s."""
    seconds = 3.0 if bench.quick else 30.0
    with bench.serving(GATEWAY) as server, bench.load_on(server, 100) as load:
        load.connect()
        load.closed_loop(MIX[:2])
        server.settle()
        before, began = server.cpu_seconds(), time.perf_counter()
        load.open_loop(heartbeat, every_seconds=300, seconds=seconds)
        return [100 * (server.cpu_seconds() - before) / (time.perf_counter() - began)]


def bytes_of_a_day(bench: Bench) -> list[tuple[float, float]]:
    """P14: (bytes given to write calls on files, bytes the kernel sent to the disk) / bytes of frames received.

    A day of 20 stations without its waiting. Each message is answered before the next is said: a commit of its own.
    """
    with bench.serving(GATEWAY) as server:
        with bench.load_on(server, _DAY_STATIONS) as load:
            load.connect()
            load.closed_loop(MIX[:2])
            server.settle()
            before = written_bytes(server.process.pid)
            outcome = load.one_after_another(_day(0.1 if bench.quick else 1.0))
            server.settle()
        after = server.stop_and_count_bytes()
    given, sent = (late - early for early, late in zip(before, after, strict=True))
    say(
        f"P14: {outcome.frames_sent} messages, {outcome.bytes_sent / 1e6:.1f} MB of frames received, "
        f"{given / 1e6:.1f} MB given to write, {sent / 1e6:.1f} MB sent to the disk"
    )
    return [(given / outcome.bytes_sent, sent / outcome.bytes_sent)]


def _paced_p99_seconds(bench: Bench, name: str) -> float:
    seconds = 2.0 if bench.quick else 10.0
    with bench.serving(name) as server, bench.load_on(server, bench.stations(PACED_STATIONS)) as load:
        load.connect()
        load.closed_loop(MIX[:UNTIL_CHARGING])
        server.settle()
        outcome = load.open_loop(meter_values, every_seconds=PACED_SECONDS, seconds=seconds)
        return outcome.percentile(0.99)


def _fsync_p99_seconds(directory: Path, times: int) -> float:
    """p99 of an append of 4 kB with its fdatasync, at the pace of the paced load."""
    path = directory / "fsync-probe"
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    took = []
    try:
        for _ in range(times):
            began = time.perf_counter()
            os.write(descriptor, bytes(4096))
            os.fdatasync(descriptor)
            took.append(time.perf_counter() - began)
            time.sleep(PACED_SECONDS / PACED_STATIONS)
    finally:
        os.close(descriptor)
        path.unlink()
    return sorted(took)[int(0.99 * len(took))]


def _day(share: float) -> Iterator[tuple[float, int, Message]]:
    midnight = time.time() - 86_400 * share - 600
    days = [
        [(midnight + second, index, message) for second, message in day_of_a_station(index * 29.0, share)]
        for index in range(_DAY_STATIONS)
    ]
    return heapq.merge(*days, key=lambda said: said[0])
