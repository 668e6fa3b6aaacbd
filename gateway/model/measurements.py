"""Measurements of a station: one sampled value, and what a list of them says about energy, power and current.

Stations send several registers, phases and units in one message; here is decided which of them is the answer. Nothing
is invented: no usable sample gives None. This file does not know JSON (`ocpp.v16.meter_values`) nor what is stored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from gateway.model.instants import Instant

IMPORT_REGISTER = "Energy.Active.Import.Register"


@dataclass(frozen=True, slots=True)
class Sample:
    """One sampled value (OCPP 1.6 7.43), defaults filled in; `value` is None when `raw_value` is no plain number."""

    at: Instant | None  # None: the station's text names no time
    at_text: str
    value: Decimal | None
    raw_value: str
    measurand: str
    unit: str  # "" where the measurand has none
    context: str
    location: str
    phase: str | None
    format: str


def energy_register_wh(samples: Sequence[Sample]) -> int | None:
    """The total import register in Wh, cut to whole Wh: of the end if told, else the latest; None if not told.

    A sample without phase counts before a sum of phases, Transaction.Begin only when there is nothing else. What no
    meter can have counted is not told.
    """
    told = _readings(samples, IMPORT_REGISTER, _PER_WH)
    readings = [reading for reading in told if abs(reading.amount) <= _GREATEST_REGISTER_WH]
    if any(reading.sample.context != _BEGIN for reading in readings):
        readings = [reading for reading in readings if reading.sample.context != _BEGIN]
    totals = [reading for reading in readings if reading.sample.phase is None]
    if totals:
        return int(max(totals, key=_importance).amount)
    lines = [reading for reading in readings if reading.line]
    if not lines:
        return None
    best = max(lines, key=_importance)
    same = [reading for reading in lines if _moment(reading) == _moment(best)]
    return int(sum(_by_line(same).values()))


def power_watts(samples: Sequence[Sample]) -> Decimal | None:
    """The latest imported active power in W: the total, else the sum of the phases; None if not told."""
    latest = _latest(_readings(samples, "Power.Active.Import", _PER_WATT))
    totals = [reading.amount for reading in latest if reading.sample.phase is None]
    if totals:
        return totals[-1]
    lines = _by_line(latest)
    return sum(lines.values(), Decimal(0)) if lines else None


def current_amps(samples: Sequence[Sample]) -> Mapping[str, Decimal]:
    """The latest imported current in A by phase `L1` `L2` `L3`; a value told without phase is under `""`."""
    latest = _latest(_readings(samples, "Current.Import", _PER_AMPERE))
    unphased = [("", reading.amount) for reading in latest if reading.sample.phase is None]
    return dict(unphased) | _by_line(latest)


def signed_samples(samples: Sequence[Sample]) -> tuple[Sample, ...]:
    """The samples that carry signed data; their `raw_value` is the untouched text."""
    return tuple(sample for sample in samples if sample.format == "SignedData")


_GREATEST_REGISTER_WH = 10**15  # what the world generates in two weeks; it fits into a row, whatever its scale
_BEGIN = "Transaction.Begin"
_CONTEXTS: Mapping[str, int] = {"Transaction.End": 3, "Sample.Periodic": 2, "Sample.Clock": 1}
_PER_WH: Mapping[str, int] = {"Wh": 1, "kWh": 1000}
_PER_WATT: Mapping[str, int] = {"W": 1, "kW": 1000}
_PER_AMPERE: Mapping[str, int] = {"A": 1}
# `L1` and `L1-N` are the same to stations; a lone N and line-to-line values say nothing about the load
_LINES: Mapping[str | None, str] = {"L1": "L1", "L2": "L2", "L3": "L3", "L1-N": "L1", "L2-N": "L2", "L3-N": "L3"}


@dataclass(frozen=True, slots=True)
class _Reading:
    """A usable sample: its amount in the plain unit, its line if it has one, and its place in the message."""

    sample: Sample
    amount: Decimal
    line: str | None
    place: int


def _readings(samples: Sequence[Sample], measurand: str, factors: Mapping[str, int]) -> list[_Reading]:
    return [
        _Reading(sample, sample.value * factors[sample.unit], _LINES.get(sample.phase), place)
        for place, sample in enumerate(samples)
        if sample.measurand == measurand and sample.value is not None and sample.unit in factors
    ]


def _importance(reading: _Reading) -> tuple[bool, int, float, int]:
    """What the car got (at the outlet) first, then the context, then the latest."""
    sample = reading.sample
    return sample.location == "Outlet", _CONTEXTS.get(sample.context, 0), _time(reading), reading.place


def _time(reading: _Reading) -> float:
    return float("-inf") if reading.sample.at is None else reading.sample.at


def _moment(reading: _Reading) -> tuple[str, str, str]:
    return reading.sample.location, reading.sample.context, reading.sample.at_text


def _latest(readings: list[_Reading]) -> list[_Reading]:
    """The readings of the last moment, as far as they say anything about the load."""
    telling = [reading for reading in readings if reading.line or reading.sample.phase is None]
    if not telling:
        return []
    last = max(telling, key=lambda reading: (_time(reading), reading.place))
    return [reading for reading in telling if reading.sample.at_text == last.sample.at_text]


def _by_line(readings: list[_Reading]) -> dict[str, Decimal]:
    """Amount by line; the plain label wins over the one against neutral."""
    neutral_first = sorted(readings, key=lambda reading: reading.sample.phase == reading.line)
    return {reading.line: reading.amount for reading in neutral_first if reading.line}
