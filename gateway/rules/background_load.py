"""The load that nobody manages, from a circuit's meter: fast to believe in more, slow to believe in less.

The meter shows cars and background together, and cars are measured seconds apart; so the background is known to lie
between two bounds, and is taken to be where it was as long as that is between them. Here is decided how good a reading
is (normal, hold, bound) and what to assume then; nothing is known of shares or stations.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from gateway.model.circuits import NO_AMPS, PHASES, Amps, Circuit
from gateway.model.load_decision import CircuitMode
from gateway.model.load_memory import CircuitMemory
from gateway.model.site_picture import MeterReading

HOLD_AFTER_SECONDS = 5.0
BOUND_AFTER_SECONDS = 30.0
HOLD_EXTRA_AMPS = 5.0
MEAN_SECONDS = 4.0
RELEASE_SECONDS = 30.0
AT_ONCE_SHARE = 1.0  # of the limit: no mean any more
DOUBT_SECONDS = 8.0  # an overload this long is taken for background as far as it can be
IMPLAUSIBLE_SHARE = 2.0  # of the fuse

Bounds = tuple[list[float], list[float]]


@dataclass(frozen=True, slots=True)
class Background:
    """What to assume on each phase, and how well it is known."""

    amps: Amps
    mode: CircuitMode
    memory: CircuitMemory


def believable(reading: MeterReading | None, circuit: Circuit) -> Amps | None:
    """The reading's currents if all three can be true: there, trusted, numbers, not beyond twice the fuse."""
    if reading is None or reading.trust != "good":
        return None
    amps = tuple(value for value in reading.amps if value is not None)
    if len(amps) < len(PHASES) or any(not abs(amps[phase]) <= _most_believable(circuit, phase) for phase in PHASES):
        return None
    return amps[0], amps[1], amps[2]


def judge_background(
    circuit: Circuit, reading: MeterReading | None, memory: CircuitMemory, *, cars: Bounds, worst: Amps, at: float
) -> Background:
    """The background of a circuit; `cars` are the bounds of all measured draw below it, `worst` the configured one."""
    if not circuit.metered:
        return Background(worst, "normal", memory)
    amps = believable(reading, circuit)
    if reading is not None and amps is not None and reading.age_seconds <= HOLD_AFTER_SECONDS:
        fresh = _with_sample(circuit, amps, memory, cars=cars, worst=worst, at=at)
        return Background(_peak(fresh), "normal", replace(fresh, good_at=at - reading.age_seconds))
    if memory.good_at is None or at - memory.good_at > BOUND_AFTER_SECONDS:
        return Background(_largest(worst, _peak(memory)), "bound", replace(memory, samples=()))
    peak = _peak(memory)
    held = (peak[0] + HOLD_EXTRA_AMPS, peak[1] + HOLD_EXTRA_AMPS, peak[2] + HOLD_EXTRA_AMPS)
    return Background(held, "hold", replace(memory, samples=()))


def _most_believable(circuit: Circuit, phase: int) -> float:
    return IMPLAUSIBLE_SHARE * circuit.limit_amps[phase]


def _with_sample(
    circuit: Circuit, amps: Amps, memory: CircuitMemory, *, cars: Bounds, worst: Amps, at: float
) -> CircuitMemory:
    least, most = cars
    sample = (at, _minus(amps, most), _minus(amps, least))
    samples = (*(each for each in memory.samples if at - MEAN_SECONDS < each[0] < at), sample)
    level = []
    for phase in PHASES:
        used = samples[-1:] if amps[phase] > AT_ONCE_SHARE * circuit.limit_amps[phase] else samples
        lowest = sum(each[1][phase] for each in used) / len(used)
        highest = sum(each[2][phase] for each in used) / len(used)
        over_since = memory.over_since[phase]
        doubted = over_since is not None and at - over_since >= DOUBT_SECONDS
        begun = worst[phase] if memory.good_at is None else memory.level[phase]  # cars are not measured yet
        before = highest if doubted else begun
        level.append(max(0.0, min(max(before, lowest), highest)))
    peak: Amps = (level[0], level[1], level[2])
    peaks = (*(each for each in memory.peaks if at - RELEASE_SECONDS < each[0] < at), (at, peak))
    return replace(memory, samples=samples, level=peak, peaks=peaks)


def _minus(amps: Amps, cars: list[float]) -> Amps:
    return amps[0] - cars[0], amps[1] - cars[1], amps[2] - cars[2]


def _peak(memory: CircuitMemory) -> Amps:
    peak = NO_AMPS
    for _, amps in memory.peaks:
        peak = _largest(peak, amps)
    return peak


def _largest(one: Amps, other: Amps) -> Amps:
    return max(one[0], other[0]), max(one[1], other[1]), max(one[2], other[2])
