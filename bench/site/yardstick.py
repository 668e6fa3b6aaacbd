"""What could have been: the most energy any plan can deliver that knows the whole day beforehand, and how fair it was.

A linear program over five minutes (HiGHS): every car may draw anything up to its most, phases and boards hold at every
step, the background is its mean. It ignores least currents, reactions and measuring, so nobody can reach it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy
from scipy.optimize import linprog
from scipy.sparse import coo_matrix

from bench.site.days import Day
from bench.site.plant import VOLTS

STEP_SECONDS = 300


def best_energy_wh(day: Day) -> float:
    """The bound of a day."""
    steps = day.seconds // STEP_SECONDS + 1
    fuses = [circuit.limit_amps for circuit in day.circuits]
    limits = numpy.zeros((steps, len(fuses), 3))
    for step in range(steps):
        for circuit, fuse in enumerate(fuses):
            series = day.background[circuit]
            window = series[step * STEP_SECONDS : (step + 1) * STEP_SECONDS] or series[-1:]
            limits[step, circuit] = numpy.array(fuse) - numpy.array(window).mean(axis=0)
    rows: list[int] = []
    columns: list[int] = []
    values: list[float] = []
    gain: list[float] = []
    bounds: list[tuple[float, float]] = []
    energy_row = limits.size
    for number, car in enumerate(day.cars):
        place = day.places[car.connector]
        phases = place.phases[: car.lines]
        for step in range(car.arrives // STEP_SECONDS, min(steps, car.leaves // STEP_SECONDS + 1)):
            begin, end = step * STEP_SECONDS, (step + 1) * STEP_SECONDS
            hours = (min(end, car.leaves) - max(begin, car.arrives)) / 3600
            if hours <= 0:
                continue
            column = len(gain)
            wh = VOLTS * len(phases) * STEP_SECONDS / 3600
            gain.append(wh)
            bounds.append((0.0, min(car.most_amps, place.most_amps) * hours * 3600 / STEP_SECONDS))
            for circuit in place.circuits:
                for phase in phases:
                    rows.append((step * len(fuses) + circuit) * 3 + phase)
                    columns.append(column)
                    values.append(1.0)
            rows.append(energy_row + number)
            columns.append(column)
            values.append(wh)
    right = numpy.concatenate([limits.ravel(), [car.energy_wh for car in day.cars]])
    matrix = coo_matrix((values, (rows, columns)), shape=(len(right), len(gain)))
    return float(-linprog(-numpy.array(gain), matrix.tocsr(), right, bounds=bounds, method="highs").fun)


def jain(shares: Sequence[float]) -> float:
    """Jain's index of fairness: 1 when all shares are equal."""
    squares = sum(share * share for share in shares)
    return sum(shares) ** 2 / (len(shares) * squares) if squares else 0.0


def percentile(values: Sequence[float], percent: float) -> float:
    """The value below which so many percent lie."""
    return float(numpy.percentile(numpy.array(values), percent))
