"""Command line: `python -m bench.site [T1 T2] [--quick] [--write] [--jobs N]`.

Exits 0 when every gate is met, 1 when one is missed. Nothing here measures time: the figures are the same on any
machine.
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date

from bench.site import weeks
from bench.site.days import DAYS, Day, site_day
from bench.site.garages import garage
from bench.site.played import FAULTS, MAKERS, Result, play
from bench.site.report import Gate, fault_table, gate_table, plots, tier_1_table, tier_2_table, write_into
from bench.site.yardstick import best_energy_wh

WEEKS = (("caltech", date(2019, 9, 9), 7, weeks.CAPS_KW), ("jpl", date(2019, 9, 9), 5, (40,)))
SEEDS = (1, 2, 3)
FAULT_DAY, FAULT_SEED = DAYS[1], 1


@dataclass(frozen=True, slots=True)
class Job:
    """One day with one controller, or with ours and a fault."""

    day: date
    seed: int
    controller: str
    fault: int | None = None


def main() -> int:
    """Play, print, write."""
    parser = argparse.ArgumentParser(prog="bench.site", description="Load limits beside other ways of sharing a site.")
    parser.add_argument("tiers", nargs="*", metavar="TIER", help="T1, T2; both when none is named")
    parser.add_argument("--quick", action="store_true", help="one week, one day, one seed, two faults: a minute or two")
    parser.add_argument("--write", action="store_true", help="put tables and plots into docs/load-limits.md")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    arguments = parser.parse_args()
    gates: list[Gate] = []
    texts: dict[str, str] = {}
    if not arguments.tiers or "T1" in arguments.tiers:
        texts["tier-1"], found = _tier_1(arguments.quick)
        texts["gates-1"] = gate_table(found)
        gates += found
        print(texts["tier-1"], texts["gates-1"], sep="\n\n", flush=True)
    if not arguments.tiers or "T2" in arguments.tiers:
        text, faults, found = _tier_2(arguments.quick, arguments.jobs, write=arguments.write)
        texts |= {"tier-2": text, "faults": faults, "gates-2": gate_table(found)}
        gates += found
        print(text, faults, texts["gates-2"], sep="\n\n")
    if arguments.write:
        write_into(texts)
    return 0 if all(gate.met for gate in gates) else 1


def _tier_1(quick: bool) -> tuple[str, list[Gate]]:
    rows, gates = [], []
    for site, first, days, caps in WEEKS[: 1 if quick else None]:
        visits = weeks.week(site, first, days)
        for cap in caps[:: 2 if quick else 1]:
            wired = garage(site, cap)
            found = weeks.figures(visits, wired)
            rows.append((site, cap, found, weeks.bound(visits, wired)))
            worth, rival = found["ours"], found["RR"]
            gates.append(Gate(f"T1 {site} {cap} kW: energy beside RR", worth[0] - rival[0], ">=", -0.005))
            gates.append(Gate(f"T1 {site} {cap} kW: Jain beside RR", worth[1] - rival[1], ">=", -0.001))
            told, best = found["ours told"][0], max(found["EDF"][0], found["LLF"][0])
            gates.append(Gate(f"T1 {site} {cap} kW: told departures, beside best of EDF, LLF", told / best, ">=", 0.97))
    return tier_1_table(rows), gates


def _tier_2(quick: bool, jobs: int, *, write: bool) -> tuple[str, str, list[Gate]]:
    days, seeds = (DAYS[1:2], SEEDS[:1]) if quick else (DAYS, SEEDS)
    faults = range(2 if quick else len(FAULTS))
    work = [Job(day, seed, controller) for day in days for seed in seeds for controller in MAKERS]
    work += [Job(FAULT_DAY, FAULT_SEED, "ours", fault) for fault in faults]
    with ProcessPoolExecutor(jobs) as pool:
        results = list(pool.map(_played, work))
    bounds = {(day, seed): _bound(site_day(day, seed)) for day in days for seed in seeds}
    normal = [(job, result) for job, result in zip(work, results, strict=True) if job.fault is None]
    faulty = [result for job, result in zip(work, results, strict=True) if job.fault is not None]
    by_controller = {
        controller: [(result, bounds[job.day, job.seed]) for job, result in normal if job.controller == controller]
        for controller in MAKERS
    }
    if write:
        plots(by_controller)
    return tier_2_table(by_controller), fault_table(faulty), _gates(by_controller["ours"], faulty)


def _gates(ours: list[tuple[Result, float]], faulty: list[Result]) -> list[Gate]:
    results = [result for result, _ in ours]
    kill = next((each for each in faulty if "killed" in each.controller), None)
    others = [each for each in faulty if each is not kill]
    gates = [
        Gate("T2 energy / bound, mean of days", sum(r.energy / b for r, b in ours) / len(ours), ">=", 0.83),
        Gate("T2 energy / bound, worst day", min(r.energy / b for r, b in ours), ">=", 0.83),
        Gate("T2 Jain, worst day", min(r.fairness for r in results), ">=", 0.90),
        Gate("T2 fifth percentile, worst day", min(r.p5 for r in results), ">=", 0.35),
        Gate("T2 boards over their limit, s", sum(r.boards.seconds for r in results), "<=", 0),
        Gate("T2 main over its limit, longest s", max(r.main.longest for r in results), "<=", 30),
        Gate("T2 main above 1.13 of it, longest s", max(r.main.longest_trip for r in results), "<=", 15),
        Gate("T2 commands per plugged hour, worst day", max(r.sends_per_hour for r in results), "<=", 25),
        Gate("T2 pauses per session, worst day", max(r.pauses_per_session for r in results), "<=", 5),
    ]
    if others:
        gates.append(Gate("T2 faults: main, longest s", max(r.main.longest for r in others), "<=", 30))
        gates.append(Gate("T2 faults: boards, longest s", max(r.boards.longest for r in others), "<=", 30))
    if kill is not None:
        gates.append(Gate("T2 gateway killed: longest s", kill.main.longest, "<=", 600))
    return gates


def _played(job: Job) -> Result:
    return play(site_day(job.day, job.seed), job.controller, None if job.fault is None else FAULTS[job.fault])


def _bound(day: Day) -> float:
    return best_energy_wh(day) / sum(car.energy_wh for car in day.cars)


if __name__ == "__main__":
    sys.exit(main())
