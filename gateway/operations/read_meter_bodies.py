"""When were the values in a stored meter frame measured, what did its energy register say, which of them are signed?

A legal frame may hold hundreds of thousands of values; only what the question needs is made into samples, and of one
frame a bounded number. What the samples mean is in `model.measurements`. Times are None where none is readable.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, get_args

import msgspec

from gateway.model.instants import Instant
from gateway.model.measurements import IMPORT_REGISTER
from gateway.ocpp.timestamps import read_instant
from gateway.ocpp.v16.from_station import Measurand
from gateway.ocpp.v16.mending import JSON
from gateway.ocpp.v16.meter_values import Sample, energy_register_wh, read_samples

# So many meter values are tried for a readable time, and so many samples of one frame for a register.
_MOMENTS_TRIED = 100
_SAMPLES_READ = 1000
# What is read while its station waits: the last few meter values of a frame of usual size.
_LARGE_BYTES, _NEWEST = 32_768, 4
# So many meter values of one frame are looked at one by one: more than two days of one each ten seconds.
_VALUES_READ = 20_000
_SIGNED = frozenset({"SignedData", "signeddata"})
_BOUNDS = frozenset({"Transaction.Begin", "Transaction.End", "transaction.begin", "transaction.end"})
# What stands somewhere in a frame with marked values, or may hide it
_MARKS = (b"signeddata", b"transaction.", b"ocmf|", b"transactiondata", b"\\")
# What is certainly no register; an absent or misspelled measurand may be one.
_OTHER_MEASURANDS = frozenset(get_args(Measurand)) - {IMPORT_REGISTER}


class Reading(NamedTuple):
    """A total energy register in Wh as the station tells it, and when it was read."""

    at: Instant | None
    register: int


class MeterValue(NamedTuple):
    """One meter value as sent. `marked`: it is signed, or says that it is of the begin or end of a session."""

    at: Instant | None
    document: dict[str, JSON]
    signed: bool
    marked: bool


class _MeterValue(msgspec.Struct, gc=False, rename="camel"):
    timestamp: str | None = None


class _Body(msgspec.Struct, gc=False, rename="camel"):
    meter_value: list[_MeterValue] | _MeterValue | None = None
    transaction_data: list[_MeterValue] | _MeterValue | None = None


_MOMENTS = msgspec.json.Decoder(_Body)


def first_moment(body: bytes, *, utc_offset_minutes: int) -> Instant | None:
    """The time of the first values with a readable one."""
    return next(iter(_moments(_meter_values(body)[:_MOMENTS_TRIED], utc_offset_minutes)), None)


def last_moment(body: bytes, *, utc_offset_minutes: int) -> Instant | None:
    """The latest time among the last values."""
    return max(_moments(_meter_values(body)[-_MOMENTS_TRIED:], utc_offset_minutes), default=None)


def last_register(body: bytes, *, utc_offset_minutes: int) -> Reading | None:
    """The register at the end of the frame."""
    kept: list[JSON] = []
    room = _SAMPLES_READ
    for element in reversed(_elements(body)):
        telling = _telling(element)[-room:]
        if telling:
            kept.append({**element, "sampledValue": telling})
            room -= len(telling)
        if room <= 0:
            break
    samples = read_samples(kept[::-1], assumed_offset_minutes=utc_offset_minutes)
    register = energy_register_wh(samples)
    if register is None:
        return None
    return Reading(max((one.at for one in samples if one.at is not None), default=None), register)


def first_register(body: bytes, *, utc_offset_minutes: int) -> Reading | None:
    """The register at the beginning of the frame."""
    room = _SAMPLES_READ
    for element in _elements(body):
        telling = _telling(element)[:room]
        samples = read_samples([{**element, "sampledValue": telling}], assumed_offset_minutes=utc_offset_minutes)
        register = energy_register_wh(samples)
        if register is not None:
            return Reading(samples[0].at, register)
        room -= len(telling)
        if room <= 0:
            break
    return None


def newest_samples(body: bytes, *, utc_offset_minutes: int) -> tuple[Sample, ...]:
    """The samples of the last meter values, of a frame that is not unusually large; else nothing."""
    if len(body) > _LARGE_BYTES:
        return ()
    newest: list[JSON] = [*_elements(body)[-_NEWEST:]]
    return read_samples(newest, assumed_offset_minutes=utc_offset_minutes)


def meter_values_of(body: bytes, *, utc_offset_minutes: int) -> list[MeterValue]:
    """The meter values of a frame one by one; of very many, the first and the last."""
    elements = _elements(body)
    if len(elements) > _VALUES_READ:
        elements = [*elements[: _VALUES_READ - 1], elements[-1]]
    return [_read_value(element, utc_offset_minutes) for element in elements]


def plain_moments(body: bytes, *, utc_offset_minutes: int) -> list[Instant | None] | None:
    """The time of each meter value of a usual frame; None when any of them may be signed or marked: read them all."""
    folded = body.lower()
    if any(mark in folded for mark in _MARKS):
        return None
    values = _meter_values(body)
    if len(values) > _MOMENTS_TRIED:
        return None
    return [
        None if one.timestamp is None else read_instant(one.timestamp, assumed_offset_minutes=utc_offset_minutes)
        for one in values
    ]


def _read_value(element: dict[str, JSON], utc_offset_minutes: int) -> MeterValue:
    text, sampled = element.get("timestamp"), element.get("sampledValue")
    at = read_instant(text, assumed_offset_minutes=utc_offset_minutes) if isinstance(text, str) else None
    samples = [one for one in (sampled if isinstance(sampled, list) else [sampled]) if isinstance(one, dict)]
    signed = any(_says(one, "format", _SIGNED) or _is_ocmf(one.get("value")) for one in samples)
    return MeterValue(at, element, signed, signed or any(_says(one, "context", _BOUNDS) for one in samples))


def _is_ocmf(value: JSON) -> bool:
    """Some stations send what is signed as if it were a plain value."""
    return isinstance(value, str) and value.startswith("OCMF|")


def _says(sample: dict[str, JSON], name: str, words: frozenset[str]) -> bool:
    word = sample.get(name)
    return isinstance(word, str) and (word in words or word.strip().casefold() in words)


def _meter_values(body: bytes) -> list[_MeterValue]:
    try:
        told = _MOMENTS.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):  # not as it should be: what there is of it
        times = [element.get("timestamp") for element in _elements(body)]
        return [_MeterValue(time if isinstance(time, str) else None) for time in times]
    found = told.meter_value or told.transaction_data or []
    return found if isinstance(found, list) else [found]


def _moments(meter_values: Iterable[_MeterValue], utc_offset_minutes: int) -> list[Instant]:
    read = (
        read_instant(one.timestamp, assumed_offset_minutes=utc_offset_minutes)
        for one in meter_values
        if one.timestamp is not None
    )
    return [at for at in read if at is not None]


def _elements(body: bytes) -> list[dict[str, JSON]]:
    """The meter values of a MeterValues or of a StopTransaction; a lone object stands for a list of one."""
    try:
        payload = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []
    if not isinstance(payload, dict):
        return []
    told = payload.get("meterValue") or payload.get("transactionData")
    return [one for one in (told if isinstance(told, list) else [told]) if isinstance(one, dict)]


def _telling(element: dict[str, JSON]) -> list[JSON]:
    """The samples that may be an import register."""
    sampled = element.get("sampledValue")
    return [
        one
        for one in (sampled if isinstance(sampled, list) else [sampled])
        if isinstance(one, dict) and not _is_other(one.get("measurand"))
    ]


def _is_other(measurand: JSON) -> bool:
    return isinstance(measurand, str) and measurand in _OTHER_MEASURANDS
