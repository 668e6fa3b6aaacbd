"""Tier 1: weeks of real sessions in two real garages, in steps of five minutes, by different orders of serving.

Ideal cars: what is compared is the rule alone, each within the same constraints. FCFS, round robin and ours do not know
departures; EDF, LLF and ours told know the true ones, and the bound knows the whole week. The rule is the engine's own
`admit()`, `share_out()` and `need_of()`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import numpy
from scipy.optimize import linprog
from scipy.sparse import coo_matrix

from bench.site.days import RealSession, sessions
from bench.site.garages import VOLTS, Garage
from bench.site.yardstick import jain, percentile
from gateway.rules.known_departures import UNKNOWN, need_of
from gateway.rules.load_allocation import Candidate, Wish, admit, share_out

STEP_HOURS = 1 / 12
MOST_AMPS, LEAST_AMPS = 32.0, 6.0
OUTLETS = 54
ROUND_ROBIN_AMPS = 1.0
CAPS_KW = (20, 30, 40, 50, 70)
MOST_KW = VOLTS * MOST_AMPS / 1000


@dataclass(slots=True)
class Visit:
    """A session in steps; energies in kWh. `rows`: the garage's constraints that its outlet loads."""

    begin: int
    end: int
    asked: float
    station: str
    rows: tuple[int, ...] = ()
    got: float = 0.0

    def wants(self) -> float:
        """The current that it can use in this step."""
        return min(MOST_AMPS, (self.asked - self.got) / STEP_HOURS * 1000 / VOLTS)


Rule = Callable[[Sequence[Visit], Garage, int], Sequence[float]]


def week(site: str, first: date, days: int) -> list[Visit]:
    """The sessions that arrive in these days; what they took is what they ask for."""
    zero = datetime(first.year, first.month, first.day)
    chosen = [each for each in sessions(site) if zero <= each.arrival < zero + timedelta(days=days)]
    return [visit for each in chosen if (visit := _visit(each, zero)).asked > 0]


def parked(visits: Sequence[Visit], garage: Garage) -> list[Visit]:
    """The same visits at the outlets of a garage; who stood at one that its plan does not know is left out."""
    return [replace(each, rows=garage.rows[each.station], got=0.0) for each in visits if each.station in garage.rows]


def replay(visits: Sequence[Visit], rule: Rule, garage: Garage) -> tuple[float, list[float]]:
    """The part of the energy delivered, and that of each session."""
    visits = parked(visits, garage)
    for step in range(max(each.end for each in visits)):
        here = [each for each in visits if each.begin <= step < each.end and each.asked - each.got > 1e-6]
        amps = rule(here, garage, step)
        _check(here, amps, garage)
        for visit, given in zip(here, amps, strict=True):
            visit.got += given * VOLTS / 1000 * STEP_HOURS
    return sum(each.got for each in visits) / sum(each.asked for each in visits), [v.got / v.asked for v in visits]


def bound(visits: Sequence[Visit], garage: Garage) -> float:
    """The most that anybody could have delivered within these constraints."""
    visits = parked(visits, garage)
    steps, width = max(each.end for each in visits), len(garage.room)
    rows: list[int] = []
    columns: list[int] = []
    values: list[float] = []
    kwh, count = VOLTS / 1000 * STEP_HOURS, 0
    for number, visit in enumerate(visits):
        for step in range(visit.begin, visit.end):
            rows += [step * width + row for row in visit.rows] + [steps * width + number]
            columns += [count] * (len(visit.rows) + 1)
            values += [1.0] * len(visit.rows) + [kwh]
            count += 1
    shape = (steps * width + len(visits), count)
    matrix = coo_matrix((values, (rows, columns)), shape=shape).tocsr()
    right = garage.room * steps + [each.asked for each in visits]
    found = linprog(-numpy.full(count, kwh), matrix, right, bounds=(0, MOST_AMPS), method="highs")
    return float(-found.fun) / sum(each.asked for each in visits)


def ours(here: Sequence[Visit], garage: Garage, step: int, *, told: bool = False) -> list[float]:
    """The engine: least energy first gets 6 A, then all rise together; told, the first to leave gets what it needs."""
    keys = [f"{number:04d}" for number in range(len(here))]
    needs = [
        need_of(
            departure_in_seconds=(visit.end - step) * STEP_HOURS * 3600,
            wanted_wh=visit.asked * 1000,
            got_wh=visit.got * 1000,
            most_amps=MOST_AMPS,
            volts=VOLTS,
        )
        if told
        else UNKNOWN
        for visit in here
    ]
    candidates = [
        Candidate(key, (*need.order, visit.got, float(visit.begin)), LEAST_AMPS, visit.rows, need=need.amps)
        for key, need, visit in zip(keys, needs, here, strict=True)
    ]
    least = admit(candidates, garage.room).admitted
    wishes = [
        Wish(key, least[key], max(least[key], visit.wants()), visit.rows, need.factor)
        for key, need, visit in zip(keys, needs, here, strict=True)
        if key in least
    ]
    shares = share_out(wishes, garage.room)
    return [min(v.wants(), shares[key].amps) if key in shares else 0.0 for key, v in zip(keys, here, strict=True)]


def ours_told(here: Sequence[Visit], garage: Garage, step: int) -> list[float]:
    """The engine that knows how long each car stays and how much it wants."""
    return ours(here, garage, step, told=True)


def equal_share(here: Sequence[Visit], garage: Garage, step: int) -> list[float]:
    """The cap by all 54 outlets, whoever is there; below 6 A nobody charges."""
    amps = garage.cap_kw * 1000 / VOLTS / OUTLETS
    return [min(visit.wants(), amps) if amps >= LEAST_AMPS else 0.0 for visit in here]


def round_robin(here: Sequence[Visit], garage: Garage, step: int) -> list[float]:
    """6 A to each in turn (with less none charges), then an ampere at a time; each step begins with another car."""
    left, amps = list(garage.room), [0.0] * len(here)
    order = [(step + number) % len(here) for number in range(len(here))]
    turn = True
    while turn:
        turn = False
        for number in order:
            visit = here[number]
            more = min(ROUND_ROBIN_AMPS if amps[number] else LEAST_AMPS, visit.wants() - amps[number])
            if 1e-9 < more <= _most(visit, left):
                amps[number] += more
                _take(visit, more, left)
                turn = True
    return amps


def _most(visit: Visit, left: Sequence[float]) -> float:
    """What its rows leave it, one that it loads twice only half."""
    return max(0.0, min(left[row] / visit.rows.count(row) for row in visit.rows))


def _take(visit: Visit, amps: float, left: list[float]) -> None:
    for row in visit.rows:
        left[row] -= amps


def _check(here: Sequence[Visit], amps: Sequence[float], garage: Garage) -> None:
    left = list(garage.room)
    for visit, given in zip(here, amps, strict=True):
        _take(visit, given, left)
    if min(left) < -1e-6:
        raise AssertionError(f"a rule exceeds the constraints of {garage.site} by {-min(left):.3f} A")


def _in_order(key: Callable[[Visit, int], float]) -> Rule:
    def rule(here: Sequence[Visit], garage: Garage, step: int) -> list[float]:
        amps, left = [0.0] * len(here), list(garage.room)
        for number in sorted(range(len(here)), key=lambda each: key(here[each], step)):
            amps[number] = min(here[number].wants(), _most(here[number], left))
            _take(here[number], amps[number], left)
        return amps

    return rule


RULES: dict[str, Rule] = {
    "equal share": equal_share,
    "FCFS": _in_order(lambda visit, step: visit.begin),
    "RR": round_robin,
    "ours": ours,
    "EDF": _in_order(lambda visit, step: visit.end),
    "LLF": _in_order(lambda visit, step: visit.end - step - (visit.asked - visit.got) / MOST_KW / STEP_HOURS),
    "ours told": ours_told,
}


def figures(visits: Sequence[Visit], garage: Garage) -> dict[str, tuple[float, float, float]]:
    """By rule: energy, Jain's index, the fifth percentile."""
    found = {}
    for name, rule in RULES.items():
        energy, shares = replay(visits, rule, garage)
        found[name] = (energy, jain(shares), percentile(shares, 5))
    return found


def _visit(session: RealSession, zero: datetime) -> Visit:
    begin = int((session.arrival - zero).total_seconds() // 300)
    end = max(begin + 1, int((session.departure - zero).total_seconds() // 300))
    return Visit(begin, end, min(session.delivered_kwh, MOST_KW * STEP_HOURS * (end - begin)), session.station)
