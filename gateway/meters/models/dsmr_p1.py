"""DSMR P1 (Netherlands, Belgium, Luxembourg, Sweden): a text each second or ten, with a checksum since DSMR 4.

Phase currents are whole amperes without a sign, so the current is P / U wherever both are told. Pure: bytes in,
values out.
"""

from __future__ import annotations

import math
import re

from gateway.meters.cutting import Cut, Garbled
from gateway.model.meters import Measured, Phases

_LONGEST = 16_384
_LINE = re.compile(rb"^1-0:(\d+\.\d+\.\d+)(?:\.\d+)?\((-?\d+(?:\.(\d+))?)\*(\w+)\)", re.MULTILINE)
_UNITS = {b"kWh": 1000.0, b"kW": 1000.0, b"Wh": 1.0, b"W": 1.0, b"V": 1.0, b"A": 1.0}
_END = re.compile(rb"!([0-9A-Fa-f]{4})?\r?\n")


def cut(buffer: bytes) -> Cut:
    """The first whole telegram in the buffer. Raises Garbled when its checksum is wrong."""
    start = buffer.find(b"/")
    if start < 0:
        return Cut(None, b"")
    end = _END.search(buffer, start)
    if end is None:
        again = buffer.rfind(b"\n/")  # a telegram that was broken off: the next one has begun
        start = again + 1 if again > start else start
        rest = buffer[start:]
        return Cut(None, rest if len(rest) <= _LONGEST else b"")
    again = buffer.rfind(b"\n/", start, end.start())
    if again >= 0:
        start = again + 1
    text, rest = buffer[start : end.start() + 1], buffer[end.end() :]
    if end[1] is not None and int(end[1], 16) != checksum(text):
        raise Garbled("the checksum of a telegram is wrong", rest)
    return Cut(measured(text), rest)


def measured(telegram: bytes) -> Measured:
    """The values of a telegram."""
    values: dict[str, float] = {}
    whole: set[str] = set()
    for name, number, decimals, unit in _LINE.findall(telegram):
        if unit in _UNITS:
            values[name.decode()] = float(number) * _UNITS[unit]
            if not decimals:
                whole.add(name.decode())
    volts = _three(values, ("32.7.0", "52.7.0", "72.7.0"))
    watts = _difference(values, ("21.7.0", "41.7.0", "61.7.0"), ("22.7.0", "42.7.0", "62.7.0"))
    one, two, three = (
        _amps(values.get(name), volts[phase], watts[phase], whole=name in whole)
        for phase, name in enumerate(("31.7.0", "51.7.0", "71.7.0"))
    )
    imported, exported = values.get("1.7.0"), values.get("2.7.0")
    total = None if imported is None and exported is None else (imported or 0.0) - (exported or 0.0)
    return Measured((one, two, three), volts, watts, total, _register(values, 1), _register(values, 2))


def checksum(data: bytes) -> int:
    """CRC-16 with the polynomial x16+x15+x2+1, from / to ! (DSMR 5.0.2 6.2)."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
    return crc


def _amps(told: float | None, volts: float | None, watts: float | None, *, whole: bool) -> float | None:
    if told is None and not (volts and watts is not None):
        return None
    direction = 1.0 if watts is None or watts == 0 else math.copysign(1.0, watts)
    if told is not None and not (whole and volts and watts is not None):
        return told * direction
    calculated = abs(watts or 0.0) / (volts or 1.0)
    # with a bad power factor more flows than P / U; a rounded number cannot be more than half an ampere too high
    least = (told or 0.0) - 0.5
    return max(calculated, least, 0.0) * direction


def _register(values: dict[str, float], direction: int) -> float | None:
    tariffs = [values[name] for name in (f"{direction}.8.1", f"{direction}.8.2") if name in values]
    return sum(tariffs) if tariffs else values.get(f"{direction}.8.0")


def _three(values: dict[str, float], names: tuple[str, str, str]) -> Phases:
    one, two, three = (values.get(name) for name in names)
    return one, two, three


def _difference(values: dict[str, float], plus: tuple[str, str, str], minus: tuple[str, str, str]) -> Phases:
    one, two, three = (
        None if values.get(more) is None and values.get(less) is None else values.get(more, 0.0) - values.get(less, 0.0)
        for more, less in zip(plus, minus, strict=True)
    )
    return one, two, three
