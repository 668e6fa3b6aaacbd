"""Register tables and how to decode them: types, word order, scale, the marks for "no value", and what to read at once.

Pure: registers in, values out. It does not know how registers are fetched.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from gateway.model.meters import UNKNOWN, Measured, Phases

Type = Literal["f32", "f64", "i16", "u16", "i32", "u32", "i64", "u64"]
Word = Literal["big", "little"]
Registers = Mapping[int, int]
"""Wire address -> 16 bits."""

_FORMATS = {"f32": ">f", "f64": ">d", "i16": ">h", "u16": ">H", "i32": ">i", "u32": ">I", "i64": ">q", "u64": ">Q"}
_SIZES = {kind: struct.calcsize(form) // 2 for kind, form in _FORMATS.items()}
_NO_SCALE = -32768  # SunSpec: the scale factor is not implemented


@dataclass(frozen=True, slots=True)
class Value:
    """Where a value stands on the wire. SI = raw * scale, times ten to the power of the register `scale_at`."""

    address: int
    type: Type = "f32"
    scale: float = 1.0
    scale_at: int | None = None

    @property
    def size(self) -> int:
        """How many registers it takes."""
        return _SIZES[self.type]


Three = tuple[Value, Value, Value]


@dataclass(frozen=True, slots=True)
class Block:
    """Registers that are read in one request."""

    address: int
    count: int


@dataclass(frozen=True, slots=True)
class RegisterTable:
    """What a Modbus meter has and where. `word`: whether the high or the low word of a value comes first.

    `max_registers` is what one request may ask for; gaps of up to `max_gap` registers are read along. Without `total`
    the power is the sum of the phases. `gap_seconds`: the rest that the meter needs between two requests on RS485.
    """

    function: Literal[3, 4]
    word: Word = "big"
    volts: Three | None = None
    amps: Three | None = None
    watts: Three | None = None
    total: Value | None = None
    energy_import: Value | None = None
    energy_export: Value | None = None
    max_registers: int = 125
    max_gap: int = 0
    gap_seconds: float = 0.02
    unsigned_missing: bool = False  # ABB: all bits set, or the largest positive number, is "no value"


def three(addresses: tuple[int, int, int], kind: Type = "f32", scale: float = 1.0) -> Three:
    """The same kind of value for L1, L2, L3."""
    one, two, last = (Value(address, kind, scale) for address in addresses)
    return one, two, last


def fast_values(table: RegisterTable) -> list[Value]:
    """What is read every time."""
    groups = [table.volts, table.amps, table.watts]
    return [value for group in groups if group for value in group] + ([table.total] if table.total else [])


def energy_values(table: RegisterTable) -> list[Value]:
    """What is read once a minute."""
    return [value for value in (table.energy_import, table.energy_export) if value is not None]


def blocks_for(values: Iterable[Value], *, most: int, gap: int) -> list[Block]:
    """The requests that fetch these values: none longer than `most`, no value cut in two, gaps up to `gap` bridged."""
    spans = {(value.address, value.size) for value in values}
    spans |= {(value.scale_at, 1) for value in values if value.scale_at is not None}
    blocks: list[Block] = []
    for address, size in sorted(spans):
        last = blocks[-1] if blocks else None
        if last is not None:
            end = max(last.address + last.count, address + size)
            if address - (last.address + last.count) <= gap and end - last.address <= most:
                blocks[-1] = replace(last, count=end - last.address)
                continue
        blocks.append(Block(address, size))
    return blocks


def decode(value: Value, registers: Registers, table: RegisterTable) -> float | None:
    """The value in SI units; None when it was not read, is no number, or the meter marks it as absent."""
    words = [registers.get(value.address + offset) for offset in range(value.size)]
    if any(word is None for word in words):
        return None
    ordered = words if table.word == "big" else words[::-1]
    raw = b"".join(struct.pack(">H", word) for word in ordered)
    if _is_mark(raw, value.type, unsigned=table.unsigned_missing):
        return None
    number = float(struct.unpack(_FORMATS[value.type], raw)[0])
    exponent = 0
    if value.scale_at is not None:
        exponent = _signed(registers.get(value.scale_at))
        if not -10 <= exponent <= 10:
            return None
    scaled = number * value.scale * 10.0**exponent
    return scaled if math.isfinite(scaled) else None


def measured(table: RegisterTable, registers: Registers) -> Measured:
    """Everything that these registers tell, with the direction of each current taken from its power."""
    volts = _phases(table.volts, registers, table)
    watts = _phases(table.watts, registers, table)
    amps = directed(_phases(table.amps, registers, table), watts)
    total = decode(table.total, registers, table) if table.total else None
    if total is None and any(value is not None for value in watts):
        total = sum(value for value in watts if value is not None)
    energy = [
        decode(value, registers, table) if value else None for value in (table.energy_import, table.energy_export)
    ]
    return Measured(amps, volts, watts, total, energy[0], energy[1])


def directed(amps: Phases, watts: Phases) -> Phases:
    """Currents with the sign of their phase's power: most meters tell currents without one."""
    one, two, last = (
        flows if flows is None or power is None else math.copysign(flows, power if power else 1.0)
        for flows, power in zip(amps, watts, strict=True)
    )
    return one, two, last


def turned_round(values: Measured) -> Measured:
    """The same seen from the other side: for a meter that is wired or counts the other way."""
    return Measured(
        _negated(values.amps),
        values.volts,
        _negated(values.watts),
        None if values.total_watts is None else -values.total_watts,
        values.energy_export_wh,
        values.energy_import_wh,
    )


def _negated(values: Phases) -> Phases:
    one, two, last = (None if value is None else -value for value in values)
    return one, two, last


def _phases(places: Three | None, registers: Registers, table: RegisterTable) -> Phases:
    if places is None:
        return UNKNOWN
    one, two, last = (decode(value, registers, table) for value in places)
    return one, two, last


def _is_mark(raw: bytes, kind: Type, *, unsigned: bool) -> bool:
    """Unsigned: all bits, where the table says so. Signed: the smallest number (SunSpec); of the long ones also a high
    word of 7FFF (Carlo Gavazzi, ABB), which no meter reaches.
    """
    if kind.startswith("f"):
        return False  # NaN is found after decoding
    if kind.startswith("u"):
        return unsigned and raw == b"\xff" * len(raw)
    return raw == b"\x80" + b"\x00" * (len(raw) - 1) or (len(raw) > 2 and raw[:2] == b"\x7f\xff")


def _signed(register: int | None) -> int:
    if register is None:
        return _NO_SCALE
    return register - 0x10000 if register & 0x8000 else register
