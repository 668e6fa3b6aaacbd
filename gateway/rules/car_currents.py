"""What does a car draw, by line of its station, according to the samples of one MeterValues?

What was measured at the outlet comes first. There currents told per line count, else a current told for all lines, else
powers, by 230 V where no voltage of the line is told. A total power may flow in a single line, so all of it counts for
each. What is offered or exported is no draw. Old samples and absurd numbers say nothing. Which connector the values
belong to is not known here.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from gateway.model.instants import SECOND, Instant
from gateway.model.measurements import Sample, current_amps, latest_by_line, power_watts

USUAL_VOLTS = 230.0
OLD_SECONDS = 30.0  # told later than this after they were taken, samples say nothing about now
_MOST_AMPS = 1000.0
_LINES = ("L1", "L2", "L3")
_VOLTS_FROM, _VOLTS_TO = 80, 300
# nearest to what the circuit carries first; the car's own word last
_LOCATIONS = ("Outlet", "Cable", "Body", "Inlet", "EV")


def currents_of(samples: Sequence[Sample], *, lines: int, station_now: Instant) -> tuple[float, ...] | None:
    """Amperes of each of the `lines` wired lines, L1 first, or None: the samples say nothing about the present.

    `station_now`: the time by the station's clock. A line that is not told, beside others that are, draws nothing.
    """
    present = [sample for sample in samples if _is_of_now(sample, station_now)]
    for location in _LOCATIONS:
        found = _currents([sample for sample in present if sample.location == location], lines)
        if found is not None:
            return tuple(max(0.0, amps) for amps in found) if max(found) <= _MOST_AMPS else None
    return None


def _is_of_now(sample: Sample, station_now: Instant) -> bool:
    return sample.at is None or abs(station_now - sample.at) <= OLD_SECONDS * SECOND


def _currents(samples: Sequence[Sample], lines: int) -> tuple[float, ...] | None:
    told = current_amps(samples)
    if any(line in told for line in _LINES):
        return tuple(float(told.get(line, 0)) for line in _LINES[:lines])
    if "" in told:
        return (float(told[""]),) * lines
    watts, volts = latest_by_line(samples, "Power.Active.Import"), latest_by_line(samples, "Voltage")
    if watts:
        return tuple(float(watts.get(line, 0)) / _volts(volts.get(line)) for line in _LINES[:lines])
    total = power_watts(samples)
    return None if total is None else (float(total) / USUAL_VOLTS,) * lines


def _volts(told: Decimal | None) -> float:
    return float(told) if told is not None and _VOLTS_FROM <= told <= _VOLTS_TO else USUAL_VOLTS
