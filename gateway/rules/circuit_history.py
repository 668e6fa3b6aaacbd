"""What is kept of a circuit's minute: the lowest limit and the highest currents of all its decisions, per phase.

Whole milliamperes, None where nothing was measured. Also how a span of time is cut into steps for a chart. Knows
neither store nor clock; what is shown of a step that has no minute is nothing, never what lies beside it.
"""

from __future__ import annotations

from typing import NamedTuple

from gateway.model.instants import SECOND, Instant
from gateway.model.load_decision import CircuitDecision

MINUTE = 60 * SECOND
MOST_MINUTES = 366 * 24 * 60

Milliamps = tuple[int, int, int]
MilliampsOrNone = tuple[int | None, int | None, int | None]


class Extremes(NamedTuple):
    """Of one circuit in one minute: the lowest limit, the highest measured and allotted current."""

    limit_ma: Milliamps
    measured_ma: MilliampsOrNone
    allotted_ma: Milliamps


class Steps(NamedTuple):
    """Steps of equal length: the first minute since 1970, minutes in a step, how many of them."""

    first: int
    length: int
    number: int


def widened(before: Extremes | None, circuit: CircuitDecision) -> Extremes:
    """The extremes with this decision too; `before` is None for the first of a minute."""
    limit, allotted = _milliamps(circuit.effective_limit_amps), _milliamps(circuit.allotted_amps)
    measured: MilliampsOrNone = (None, None, None)
    if circuit.measured_amps is not None:
        one, two, three = (None if amps is None else round(amps * 1000) for amps in circuit.measured_amps)
        measured = (one, two, three)
    if before is None:
        return Extremes(limit, measured, allotted)
    return Extremes(
        (min(before[0][0], limit[0]), min(before[0][1], limit[1]), min(before[0][2], limit[2])),
        (
            _higher(before[1][0], measured[0]),
            _higher(before[1][1], measured[1]),
            _higher(before[1][2], measured[2]),
        ),
        (max(before[2][0], allotted[0]), max(before[2][1], allotted[1]), max(before[2][2], allotted[2])),
    )


def steps_between(begin: Instant, end: Instant, *, points: int) -> Steps:
    """At most `points` steps of whole minutes from `begin` to before `end`; they begin at multiples of their length.

    There is none where the span is empty; of a span that is longer than a year and a day its end is taken.
    """
    last = -(-end // MINUTE)
    begins = max(begin // MINUTE, last - MOST_MINUTES)
    if begins >= last:
        return Steps(begins, 1, 0)
    length = -(-(last - begins) // points)
    while True:
        first = begins // length * length
        count = -(-(last - first) // length)
        if count <= points:
            return Steps(first, length, count)
        length += 1


def _milliamps(amps: tuple[float, float, float]) -> Milliamps:
    return round(amps[0] * 1000), round(amps[1] * 1000), round(amps[2] * 1000)


def _higher(one: int | None, other: int | None) -> int | None:
    if one is None or other is None:
        return other if one is None else one
    return max(one, other)
