"""May a meter's newest reading be believed? Age, plausibility, and signs of a meter that no longer measures.

It does not know what load limits make of it: for everything but `fresh` they count on more load than was read.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.model.circuits import VOLTS
from gateway.model.meters import Heard, Judged, Measured, Phases, Reading, Trust

STALE_SECONDS = 5.0
MISSING_SECONDS = 30.0
FROZEN_SECONDS = 60.0
REVERSED_SECONDS = 10.0
BLIND_SECONDS = 30.0
_LOAD_AMPS = 0.5
_LOAD_WATTS = 100.0
_DEAD_VOLTS = 50.0
_MOST_VOLTS = 400.0
_CLEAR_AMPS = 10.0
_SEEN_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Expectations:
    """What the configuration says of a meter. `fuse_amps`: of the largest circuit that it measures, None: of none."""

    interval_seconds: float
    fuse_amps: float | None = None
    may_export: bool = True
    phase_currents: bool = True


def how_trusted(heard: Heard, expected: Expectations, now_seconds: float) -> Judged:
    """The newest reading and its trust at the loop time `now_seconds`; the first reason that fits is told."""
    reading = heard.reading
    if reading is None:
        return Judged(None, "missing", heard.failure or "no reading yet", None)
    age = max(0.0, now_seconds - reading.loop_seconds)
    trust, reason = _worth(heard, reading, expected, age)
    return Judged(reading, trust, reason, age)


def misses_cars(amps: Phases, drawn: tuple[float, float, float]) -> bool:
    """Whether a meter shows next to nothing on a phase on which cars draw so much, by their stations.

    Stations that tell no phases count a car on lines that it does not use, so a meter may well show less than they do.
    """
    return any(
        shown is not None and by_cars > _CLEAR_AMPS and shown < _SEEN_SHARE * by_cars
        for shown, by_cars in zip(amps, drawn, strict=True)
    )


def _worth(heard: Heard, reading: Reading, expected: Expectations, age: float) -> tuple[Trust, str | None]:
    stale_after = max(STALE_SECONDS, 3 * expected.interval_seconds)
    if age > max(MISSING_SECONDS, 10 * expected.interval_seconds):
        return "missing", f"no reading for {age:.0f} s: {heard.failure or 'the meter is silent'}"
    implausible = _implausible(reading.measured, expected)
    if implausible is not None:
        return "out_of_scale", implausible
    if age > stale_after:
        return "stale", f"the newest reading is {age:.0f} s old: {heard.failure or 'the meter is silent'}"
    same_for = reading.loop_seconds - heard.unchanged_since
    if same_for > max(FROZEN_SECONDS, 10 * expected.interval_seconds) and _has_load(reading.measured):
        return "frozen", f"under load every value has been exactly the same for {same_for:.0f} s"
    turned = _turned(heard, reading, expected)
    return ("fresh", None) if turned is None else ("reversed", turned)


def _implausible(measured: Measured, expected: Expectations) -> str | None:
    if expected.phase_currents and all(amps is None for amps in measured.amps):
        return "the meter tells no currents"
    dead = [phase for phase in range(3) if _is_dead(measured, phase)]
    for phase in range(3):
        reason = _implausible_phase(measured, phase, expected, dead=dead)
        if reason is not None:
            return f"phase {phase + 1}: {reason}"
    return _implausible_total(measured.total_watts, expected)


def _implausible_phase(measured: Measured, phase: int, expected: Expectations, *, dead: list[int]) -> str | None:
    amps, volts = measured.amps[phase], measured.volts[phase]
    if volts is not None and volts > _MOST_VOLTS:
        return f"{volts:.0f} V cannot be: is it the right model?"
    if phase in dead and _is_fault(amps, dead):
        return f"{volts:.0f} V: a fuse of the meter or a wire is gone"
    if amps is None:
        missing = expected.phase_currents and volts is not None and phase not in dead
        return "no current is told" if missing else None
    if expected.fuse_amps is not None and abs(amps) > 2 * expected.fuse_amps:
        return f"{abs(amps):.0f} A is more than twice the limit of {expected.fuse_amps:g} A"
    return None


def _is_fault(amps: float | None, dead: list[int]) -> bool:
    """One phase without voltage is a blown fuse. Two may be a one-phase connection, unless a current flows there.

    Without any voltage the currents are as good as ever, and count as import: the meter does not measure voltage.
    """
    return len(dead) == 1 or (len(dead) == 2 and abs(amps or 0.0) > _LOAD_AMPS)


def _implausible_total(watts: float | None, expected: Expectations) -> str | None:
    if watts is None or expected.fuse_amps is None or abs(watts) <= 2 * expected.fuse_amps * 3 * 250:
        return None
    return f"{watts / 1000:.0f} kW is more than twice what {expected.fuse_amps:g} A can carry"


def _is_dead(measured: Measured, phase: int) -> bool:
    volts = measured.volts[phase]
    return volts is not None and volts < _DEAD_VOLTS


def _has_load(measured: Measured) -> bool:
    if any(abs(amps) >= _LOAD_AMPS for amps in measured.amps if amps is not None):
        return True
    return abs(measured.total_watts or 0.0) >= _LOAD_WATTS


def _turned(heard: Heard, reading: Reading, expected: Expectations) -> str | None:
    if expected.may_export:
        return None
    for phase, since in enumerate(heard.outward_since):
        if since is not None and reading.loop_seconds - since > REVERSED_SECONDS:
            return (
                f"phase {phase + 1} feeds out {abs(reading.measured.amps[phase] or 0.0):.1f} A although nothing here"
                " generates: its transformer or its wires are turned round"
            )
    return None


def amps_by_phase(measured: Measured) -> Phases:
    """What may flow in each phase: where only the total is told, all of it may flow in any."""
    if all(amps is None for amps in measured.amps) and measured.total_watts is not None:
        amps = measured.total_watts / VOLTS
        return amps, amps, amps
    return measured.amps
