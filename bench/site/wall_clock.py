"""Command line: `python -m bench.site.wall_clock [PART...] [--quick] [--write]`: tier 3, the daemon itself.

`ocpp-gateway run` as a process, 24 stations on real sockets, the meter on a pseudo terminal at 9600 Bd. What is
measured is what flows at the stations' side, ten times a second. It takes half an hour, because leases are as long as
they are; `--quick` does not wait for them. Exits 1 when an aim is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from bench.site.report import write_into
from tests.end_to_end.limited_daemon import Place, limited_daemon
from tests.end_to_end.running_gateway import RunningGateway
from tests.fakes.parked_car import ParkedCar
from tests.fakes.real_site import MAIN, RealSite, percentile

STATIONS = 24
MAIN_AMPS, BOARD_AMPS, WORST_AMPS, BUILDING_AMPS, STEP_AMPS = 125.0, 63.0, 62.0, 17.0, 30.0
WITH_FALLBACK = 10  # 62 A and ten times 6 A fit below 125 A
LEASE_SECONDS = 600.0
_QUIET_SECONDS = 2.0  # legal for so long: legal again


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement. `aim` None: told, not judged."""

    what: str
    figure: str
    seconds: float | None = None
    aim: float | None = None

    @property
    def met(self) -> bool:
        """Whether the aim is reached."""
        return self.aim is None or (self.seconds is not None and self.seconds <= self.aim)


@dataclass
class Bench:
    """A site that charges, and what was found."""

    site: RealSite
    gateway: RunningGateway
    steps: int
    rows: list[Row] = field(default_factory=list)

    def found(self, what: str, figure: str, seconds: float | None = None, aim: float | None = None) -> None:
        """Note and show a measurement."""
        self.rows.append(Row(what, figure, seconds, aim))
        print(_line(self.rows[-1]), flush=True)

    def over(self, since: float) -> str:
        """What was above its limit since then, for people."""
        found = self.site.judge.since(since)
        if not found:
            return "nothing over"
        return (
            f"longest {max(one.seconds for one in found):.1f} s over, at most {max(o.most_amps for o in found):.0f} A"
        )

    async def again_legal(self, within: float) -> float:
        """Seconds until all circuits are within their limits and stay there; `within` when they do not come down."""
        began = time.monotonic()
        legal_since: float | None = None
        while (now := time.monotonic()) - began < within:
            legal_since = (legal_since or now) if self.site.is_legal() else None
            if legal_since is not None and now - legal_since >= _QUIET_SECONDS:
                return legal_since - began
            await asyncio.sleep(0.05)
        return within

    async def waits(self, holds: Callable[[], bool], within: float) -> float:
        """Seconds until it is so, `within` when it does not become so."""
        try:
            return await self.site.until(holds, "", within)
        except AssertionError:
            return within

    def build(self, *amps: float) -> None:
        """The building draws this on its phases (one number: on each)."""
        one, two, three = amps * 3 if len(amps) == 1 else amps
        self.site.building = one, two, three

    async def filled(self, within: float = 120.0) -> None:
        """Cars use what there is: the fullest phase of the main fuse is near its limit."""
        await self.waits(lambda: max(self.site.flows()[MAIN]) > MAIN_AMPS - 12, within)


async def steps(bench: Bench) -> None:
    """One phase of the building after the other takes 30 A more, without a word."""
    taken: list[float] = []
    since, amps = time.monotonic(), [BUILDING_AMPS] * 3
    for number in range(2 * bench.steps):
        phase = number % 3
        began = time.monotonic()
        amps[phase] = BUILDING_AMPS + STEP_AMPS
        bench.build(*amps)
        if not bench.site.is_legal():
            taken.append(await bench.again_legal(60))
        await asyncio.sleep(max(0.0, began + 18 - time.monotonic()))
        amps[phase] = BUILDING_AMPS
        bench.build(*amps)
        if len(taken) == bench.steps:
            break
        await asyncio.sleep(max(0.0, began + 30 - time.monotonic()))
    if taken:
        told = f"median {percentile(taken, 0.5):.1f} s, p95 {percentile(taken, 0.95):.1f} s, longest {max(taken):.1f} s"
        told += f"; {bench.over(since)}"
        bench.found(
            f"building +30 A on a phase, {len(taken)} times: legal again after", told, percentile(taken, 0.95), 8
        )


async def mute(bench: Bench) -> None:
    """The meter says nothing more; then the building becomes as bad as it can be."""
    assert bench.site.bridge is not None
    await bench.filled()
    bench.site.bridge.muted = True
    since = time.monotonic()
    seconds = await bench.waits(lambda: max(bench.site.drawn()) <= MAIN_AMPS - WORST_AMPS, 120)
    bench.build(WORST_AMPS)
    await asyncio.sleep(10)
    told = f"{seconds:.0f} s; building at its worst then: {bench.over(since)}"
    bench.found("meter mute: room for the worst building after", told, seconds, 60)
    bench.site.bridge.muted = False
    bench.build(BUILDING_AMPS)
    await bench.filled()


async def frozen(bench: Bench) -> None:
    """The meter answers, always the same."""
    await bench.filled()
    bench.site.meter_is_frozen, since = True, time.monotonic()
    seconds = await bench.waits(lambda: max(bench.site.drawn()) <= MAIN_AMPS - WORST_AMPS, 180)
    bench.site.meter_is_frozen = False
    bench.found(
        "meter frozen: room for the worst building after", f"{seconds:.0f} s; {bench.over(since)}", seconds, 120
    )
    await bench.filled()


async def dropped(bench: Bench) -> None:
    """A station that charges loses its network, and the building takes 30 A more."""
    await bench.filled()
    station = max(bench.site.stations, key=lambda one: one.car.amps * one.car.lines)
    station.no_network = True
    await asyncio.sleep(5)
    bench.build(BUILDING_AMPS + STEP_AMPS)
    since = time.monotonic()
    seconds = await bench.again_legal(120)
    bench.found("a charging station offline, building +30 A: legal again after", f"{seconds:.1f} s", seconds, 13)
    await asyncio.sleep(10)
    bench.found("the same until it is back", bench.over(since))
    station.no_network = False
    bench.build(BUILDING_AMPS)
    await asyncio.sleep(10)
    await bench.filled()


async def ignoring(bench: Bench) -> None:
    """Two stations say Accepted, and their cars take all they can."""
    await bench.filled()
    chosen = bench.site.stations[0], bench.site.stations[1]
    since = time.monotonic()
    for station in chosen:
        station.car.ignores = True
    await bench.waits(lambda: not bench.site.is_legal(), 30)
    seconds = await bench.again_legal(180)
    bench.found("two cars take 32 A whatever they are told: legal again after", f"{seconds:.1f} s", seconds, 60)
    bench.found("the same in all", bench.over(since))
    for station in chosen:
        station.car.ignores = False


async def killed(bench: Bench) -> None:
    """kill -9, and nobody starts it again: when are all at their fallbacks?"""
    await bench.filled()
    fallbacks = {one.identity: _fallback(number) for number, one in enumerate(bench.site.stations)}
    await asyncio.to_thread(bench.gateway.kill)
    since = time.monotonic()

    def all_down() -> bool:
        return all(one.car.amps <= fallbacks[one.identity] for one in bench.site.stations)

    seconds = await bench.waits(all_down, LEASE_SECONDS + 60)
    bench.found("kill -9: all cars at or below their fallbacks after", f"{seconds:.0f} s", seconds, LEASE_SECONDS + 10)
    bench.build(WORST_AMPS)
    await asyncio.sleep(5)
    bench.found("the same, building at its worst then", bench.over(since), bench.site.judge.longest(since), 0)
    await asyncio.to_thread(bench.gateway.start)


PARTS: dict[str, Callable[[Bench], Awaitable[None]]] = {
    "steps": steps,
    "mute": mute,
    "frozen": frozen,
    "dropped": dropped,
    "ignoring": ignoring,
    "killed": killed,
}
_NOT_QUICK = {"frozen", "killed"}


def main() -> int:
    """Play, print, write."""
    parser = argparse.ArgumentParser(prog="bench.site.wall_clock", description="Tier 3: the daemon by the wall clock.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS) + "; all when none is named")
    parser.add_argument("--quick", action="store_true", help="five steps, no leases: some minutes")
    parser.add_argument("--write", action="store_true", help="put the table into docs/load-limits.md")
    arguments = parser.parse_args()
    if unknown := set(arguments.parts) - PARTS.keys():
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    parts = arguments.parts or [name for name in PARTS if not (arguments.quick and name in _NOT_QUICK)]
    with tempfile.TemporaryDirectory() as directory:
        rows = asyncio.run(_play(Path(directory), parts, quick=arguments.quick))
    text = "\n".join(["| what | figure | aim | |", "|---|---|---|---|", *map(_line, rows)])
    print(text)
    if arguments.write:
        write_into({"tier-3": text})
    return 0 if all(row.met for row in rows) else 1


async def _play(directory: Path, parts: list[str], *, quick: bool) -> list[Row]:
    circuits = {MAIN: MAIN_AMPS, "board-a": BOARD_AMPS, "board-b": BOARD_AMPS}
    async with limited_daemon(
        directory, _places(), circuits=circuits, worst_amps=WORST_AMPS, building_amps=BUILDING_AMPS
    ) as (site, gateway):
        bench = Bench(site, gateway, 5 if quick else 20)
        since = time.monotonic()
        await bench.filled(300)
        bench.found("24 cars plugged in at once: the fuse in use after", f"{time.monotonic() - since:.0f} s")
        bench.found("the same until then", bench.over(since))
        for part in parts:
            await PARTS[part](bench)
        bench.found("widest gap between two looks of the judge", f"{1000 * site.judge.widest_look_seconds:.0f} ms")
        return bench.rows


def _places() -> list[Place]:
    chance = random.Random(3)
    lines = [3] * 12 + [2] * 3 + [1] * 9
    chance.shuffle(lines)
    return [
        Place(
            f"CP-{number + 1:02}",
            ParkedCar(
                lines=lines[number],
                seconds_down=chance.uniform(2, 5),
                seconds_up=chance.uniform(3, 10),
                seconds_to_begin=chance.uniform(8, 20),
            ),
            circuit="board-a" if number % 2 == 0 else "board-b",
            rotation=("123", "231", "312")[number // 2 % 3],
            fallback_amps=_fallback(number),
            slow_seconds=8.0 if number == STATIONS - 1 else chance.uniform(0.1, 0.5),
        )
        for number in range(STATIONS)
    ]


def _fallback(number: int) -> float:
    return 6.0 if number < WITH_FALLBACK else 0.0


def _line(row: Row) -> str:
    aim = "" if row.aim is None else f"<= {row.aim:g} s"
    verdict = "" if row.aim is None else "met" if row.met else "**missed**"
    return f"| {row.what} | {row.figure} | {aim} | {verdict} |"


if __name__ == "__main__":
    sys.exit(main())
