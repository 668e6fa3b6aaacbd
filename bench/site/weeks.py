"""Tier 1: weeks of real sessions below one limit for all, in steps of five minutes, by different orders of serving.

Ideal cars, no phases: what is compared is the rule alone. FCFS, round robin and ours do not know departures; EDF and
LLF know the true ones, and the bound knows the whole week. The rule is the engine's own `admit()` and `share_out()`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy
from scipy.optimize import linprog
from scipy.sparse import coo_matrix

from bench.site.days import RealSession, sessions
from bench.site.yardstick import jain, percentile
from gateway.rules.load_allocation import Candidate, Wish, admit, share_out

STEP_HOURS = 1 / 12
VOLTS, MOST_AMPS, LEAST_AMPS = 208.0, 32.0, 6.0
ROUND_ROBIN_AMPS = 1.0
CAPS_KW = (20, 30, 40, 50, 70)
MOST_KW = VOLTS * MOST_AMPS / 1000


@dataclass(slots=True)
class Visit:
    """A session in steps; energies in kWh."""

    begin: int
    end: int
    asked: float
    got: float = 0.0

    def wants(self) -> float:
        """The power that it can use in this step, kW."""
        return min(MOST_KW, (self.asked - self.got) / STEP_HOURS)


Rule = Callable[[Sequence[Visit], float, int], Sequence[float]]


def week(site: str, first: date, days: int) -> list[Visit]:
    """The sessions that arrive in these days; what they took is what they ask for."""
    zero = datetime(first.year, first.month, first.day)
    chosen = [each for each in sessions(site) if zero <= each.arrival < zero + timedelta(days=days)]
    return [visit for each in chosen if (visit := _visit(each, zero)).asked > 0]


def replay(visits: Sequence[Visit], rule: Rule, cap_kw: float) -> tuple[float, list[float]]:
    """The part of the energy delivered, and that of each session."""
    visits = [Visit(each.begin, each.end, each.asked) for each in visits]
    for step in range(max(each.end for each in visits)):
        here = [each for each in visits if each.begin <= step < each.end and each.asked - each.got > 1e-6]
        for visit, power in zip(here, rule(here, cap_kw, step), strict=True):
            visit.got += power * STEP_HOURS
    return sum(each.got for each in visits) / sum(each.asked for each in visits), [v.got / v.asked for v in visits]


def bound(visits: Sequence[Visit], cap_kw: float) -> float:
    """The most that anybody could have delivered."""
    steps = max(each.end for each in visits)
    rows: list[int] = []
    columns: list[int] = []
    for number, visit in enumerate(visits):
        for step in range(visit.begin, visit.end):
            rows += [step, steps + number]
            columns += [len(columns) // 2] * 2
    count = len(columns) // 2
    values = numpy.full(len(rows), STEP_HOURS)
    matrix = coo_matrix((values, (rows, columns)), shape=(steps + len(visits), count)).tocsr()
    right = [cap_kw * STEP_HOURS] * steps + [each.asked for each in visits]
    found = linprog(-numpy.full(count, STEP_HOURS), matrix, right, bounds=(0, MOST_KW), method="highs")
    return float(-found.fun) / sum(each.asked for each in visits)


def ours(here: Sequence[Visit], cap_kw: float, step: int) -> list[float]:
    """The engine: least energy first gets 6 A, then all rise together."""
    candidates = [
        Candidate(f"{number:04d}", (visit.got, float(visit.begin)), LEAST_AMPS, (0,))
        for number, visit in enumerate(here)
    ]
    room = [cap_kw * 1000 / VOLTS]
    wishes = [
        Wish(key, LEAST_AMPS, max(LEAST_AMPS, here[int(key)].wants() * 1000 / VOLTS), (0,))
        for key in admit(candidates, room).admitted
    ]
    shares = share_out(wishes, room)
    amps = [shares[f"{number:04d}"].amps if f"{number:04d}" in shares else 0.0 for number in range(len(here))]
    return [min(visit.wants(), each * VOLTS / 1000) for visit, each in zip(here, amps, strict=True)]


def equal_share(here: Sequence[Visit], cap_kw: float, step: int) -> list[float]:
    """The cap by all 54 outlets, whoever is there; below 6 A nobody charges."""
    amps = cap_kw * 1000 / VOLTS / 54
    return [min(visit.wants(), amps * VOLTS / 1000) if amps >= LEAST_AMPS else 0.0 for visit in here]


def round_robin(here: Sequence[Visit], cap_kw: float, step: int) -> list[float]:
    """An ampere at a time to each in turn, until nothing is left."""
    slice_kw, left, power = ROUND_ROBIN_AMPS * VOLTS / 1000, cap_kw, [0.0] * len(here)
    turn = True
    while turn:
        turn = False
        for number, visit in enumerate(here):
            more = min(slice_kw, visit.wants() - power[number])
            if 1e-9 < more <= left:
                power[number] += more
                left -= more
                turn = True
    return power


def _in_order(key: Callable[[Visit, int], float]) -> Rule:
    def rule(here: Sequence[Visit], cap_kw: float, step: int) -> list[float]:
        power, left = [0.0] * len(here), cap_kw
        for number in sorted(range(len(here)), key=lambda each: key(here[each], step)):
            power[number] = min(here[number].wants(), left)
            left -= power[number]
        return power

    return rule


RULES: dict[str, Rule] = {
    "equal share": equal_share,
    "FCFS": _in_order(lambda visit, step: visit.begin),
    "RR": round_robin,
    "ours": ours,
    "EDF": _in_order(lambda visit, step: visit.end),
    "LLF": _in_order(lambda visit, step: visit.end - step - (visit.asked - visit.got) / MOST_KW / STEP_HOURS),
}


def figures(visits: Sequence[Visit], cap_kw: float) -> dict[str, tuple[float, float, float]]:
    """By rule: energy, Jain's index, the fifth percentile."""
    found = {}
    for name, rule in RULES.items():
        energy, shares = replay(visits, rule, cap_kw)
        found[name] = (energy, jain(shares), percentile(shares, 5))
    return found


def _visit(session: RealSession, zero: datetime) -> Visit:
    begin = int((session.arrival - zero).total_seconds() // 300)
    end = max(begin + 1, int((session.departure - zero).total_seconds() // 300))
    return Visit(begin, end, min(session.delivered_kwh, MOST_KW * STEP_HOURS * (end - begin)))
