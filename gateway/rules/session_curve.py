"""The curve of a session: power, currents, energy and state of charge over time, from what its meter said.

Power is what the station tells; of one that never tells any it is what its register counted between two readings.
Thinning keeps of each stretch of time the highest point. Nothing is invented between two measurements. This file knows
samples (`model.measurements`), not how they were written or stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from gateway.model.instants import SECOND, Instant
from gateway.model.measurements import Sample, current_amps, energy_register_wh, power_watts

_SHORTEST_SECONDS = 1.0  # registers count whole Wh: over less than this they say nothing about power
_PERCENT = (Decimal(0), Decimal(100))

AmpsOrNone = tuple[float | None, float | None, float | None]


@dataclass(frozen=True, slots=True)
class Point:
    """One moment. `energy_wh`: since the begin of the session; None: not told. Amperes are by line of the station."""

    at: Instant
    power_w: float | None = None
    current_amps: AmpsOrNone | None = None
    energy_wh: int | None = None
    soc_percent: float | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """What was measured at one moment. `register_wh`: known otherwise, as at the begin and end of a session."""

    at: Instant
    samples: tuple[Sample, ...] = ()
    register_wh: int | None = None


def curve_of(
    moments: Iterable[Moment], *, lines: int, energy_scale: int = 1, meter_start_wh: int | None = None
) -> tuple[Point, ...]:
    """The points in order of time. `lines`: on how many a current without phase flows; `energy_scale` makes Wh of it.

    `meter_start_wh`: the register from which energy counts; None: the first that was measured.
    """
    points, begin = [], meter_start_wh
    for moment in _merged(moments):
        register = moment.register_wh
        if register is None:
            told = energy_register_wh(moment.samples)
            register = None if told is None else told * energy_scale
        begin = register if begin is None else begin
        power = power_watts(moment.samples)
        point = Point(
            moment.at,
            None if power is None else float(power),
            _currents(moment.samples, lines),
            None if register is None or begin is None else register - begin,
            _state_of_charge(moment.samples),
        )
        if point != Point(moment.at):
            points.append(point)
    return _with_power(points)


def thinned(points: Sequence[Point], most: int) -> tuple[Point, ...]:
    """At most `most` of them (2 or more): the first, the last, and between of each stretch of time the highest."""
    if len(points) <= most:
        return tuple(points)
    begin, span = points[0].at, points[-1].at - points[0].at
    highest: dict[int, Point] = {}
    for point in points[1:-1]:
        stretch = min((point.at - begin) * (most - 2) // max(span, 1), most - 3)
        kept = highest.get(stretch)
        if kept is None or _height(point) > _height(kept):
            highest[stretch] = point
    between = [highest[stretch] for stretch in sorted(highest) if most > 2]
    return (points[0], *between, points[-1])


def _merged(moments: Iterable[Moment]) -> list[Moment]:
    """What was told of the same moment in several messages is one; a register known otherwise is the better one."""
    found: dict[Instant, Moment] = {}
    for moment in moments:
        known = found.get(moment.at)
        if known is None:
            found[moment.at] = moment
        else:
            register = known.register_wh if moment.register_wh is None else moment.register_wh
            found[moment.at] = Moment(moment.at, known.samples + moment.samples, register)
    return [found[at] for at in sorted(found)]


def _with_power(points: list[Point]) -> tuple[Point, ...]:
    if any(point.power_w is not None for point in points):
        return tuple(points)
    before: Point | None = None
    derived = []
    for point in points:
        if before is not None and before.energy_wh is not None and point.energy_wh is not None:
            seconds, counted = (point.at - before.at) / SECOND, point.energy_wh - before.energy_wh
            if seconds >= _SHORTEST_SECONDS and counted >= 0:
                point = replace(point, power_w=round(counted * 3600 / seconds, 1))
        derived.append(point)
        if point.energy_wh is not None:
            before = point
    return tuple(derived)


def _currents(samples: Sequence[Sample], lines: int) -> AmpsOrNone | None:
    told = current_amps(samples)
    by_line = [told.get(line) for line in ("L1", "L2", "L3")]
    if not any(amps is not None for amps in by_line):
        if "" not in told:
            return None
        by_line = [told[""] if line < lines else None for line in range(3)]
    one, two, three = (None if amps is None else float(amps) for amps in by_line)
    return one, two, three


def _state_of_charge(samples: Sequence[Sample]) -> float | None:
    told = [one.value for one in samples if one.measurand == "SoC" and one.value is not None]
    return float(told[-1]) if told and _PERCENT[0] <= told[-1] <= _PERCENT[1] else None


def _height(point: Point) -> tuple[float, float]:
    amps = [one for one in point.current_amps or () if one is not None]
    return (-1.0 if point.power_w is None else point.power_w), max(amps, default=-1.0)
