"""Reads the `meterValue` of MeterValues and the `transactionData` of StopTransaction into samples (OCPP 1.6 7.43).

Fills in the defaults of the specification and folds letter case, but refuses nothing: an unknown measurand, unit or
phase stays as text, a value that is no number stays as `raw_value`. What the samples mean together is in
`gateway.model.measurements`, whose questions are offered here too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import get_args

import msgspec

from gateway.model.measurements import (
    IMPORT_REGISTER,
    Sample,
    current_amps,
    energy_register_wh,
    power_watts,
    signed_samples,
)
from gateway.ocpp.timestamps import read_instant
from gateway.ocpp.v16.from_station import Location, Measurand, Phase, ReadingContext, Unit
from gateway.ocpp.v16.mending import JSON, choice_meant, plain_text

__all__ = ["Sample", "current_amps", "energy_register_wh", "power_watts", "read_samples", "signed_samples"]


def read_samples(meter_values: JSON | bytes | msgspec.Raw, *, assumed_offset_minutes: int = 0) -> tuple[Sample, ...]:
    """Every sample in a list of meter values (parsed, or its JSON text), in order; what is unreadable is left out."""
    return tuple(
        sample for element in _objects(_parsed(meter_values)) for sample in _samples_of(element, assumed_offset_minutes)
    )


_CHOICES: Mapping[str, frozenset[str]] = {
    "measurand": frozenset(get_args(Measurand)),
    "unit": frozenset(get_args(Unit)),
    "context": frozenset(get_args(ReadingContext)),
    "location": frozenset(get_args(Location)),
    "phase": frozenset(get_args(Phase)),
    "format": frozenset({"Raw", "SignedData"}),
}
# The unit that goes without saying; only energy has a default in the specification (OCPP 1.6 7.43)
_UNSAID_UNITS: Mapping[str, str] = {
    "Energy": "Wh",
    "Power.Factor": "",
    "Power.Reactive": "var",
    "Power": "W",
    "Current": "A",
    "Voltage": "V",
    "Frequency": "Hertz",
    "SoC": "Percent",
    "Temperature": "Celsius",
}
_LONGEST_NUMBER = 40
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,2})?")


def _parsed(meter_values: JSON | bytes | msgspec.Raw) -> JSON:
    if not isinstance(meter_values, bytes | msgspec.Raw):
        return meter_values
    try:
        parsed: JSON = msgspec.json.decode(meter_values)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
    return parsed


def _samples_of(element: dict[str, JSON], assumed_offset_minutes: int) -> Iterator[Sample]:
    at_text = plain_text(element.get("timestamp")) or ""
    at = read_instant(at_text, assumed_offset_minutes=assumed_offset_minutes)
    for sampled in _objects(element.get("sampledValue")):
        raw_value = plain_text(sampled.get("value"))
        if raw_value is None:
            continue
        measurand = _choice(sampled, "measurand") or IMPORT_REGISTER
        form = _choice(sampled, "format") or "Raw"
        yield Sample(
            at=at,
            at_text=at_text,
            value=_number(raw_value) if form == "Raw" else None,
            raw_value=raw_value,
            measurand=measurand,
            unit=_choice(sampled, "unit") or _unsaid_unit(measurand),
            context=_choice(sampled, "context") or "Sample.Periodic",
            location=_choice(sampled, "location") or "Outlet",
            phase=_choice(sampled, "phase") or None,
            format=form,
        )


def _objects(value: JSON) -> Iterator[dict[str, JSON]]:
    """The objects in a list; a lone object stands for a list of one."""
    elements = value if isinstance(value, list) else [value]
    return (element for element in elements if isinstance(element, dict))


def _choice(sampled: dict[str, JSON], name: str) -> str:
    """The value meant, spelled as in the specification, or the station's own text; "" when absent."""
    text = plain_text(sampled.get(name)) or ""
    if text in _CHOICES[name] or not text.strip():
        return text.strip()
    return choice_meant(name, text, tuple(_CHOICES[name])) or text.strip()


def _unsaid_unit(measurand: str) -> str:
    return next((unit for start, unit in _UNSAID_UNITS.items() if measurand.startswith(start)), "")


def _number(text: str) -> Decimal | None:
    """A plain finite number; bounded, so that no text makes a number of a million digits."""
    written = text.strip()
    return Decimal(written) if len(written) <= _LONGEST_NUMBER and _NUMBER.fullmatch(written) else None
