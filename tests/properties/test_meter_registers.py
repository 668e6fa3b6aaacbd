"""Decoding registers, held against `struct`; blocks that fetch every value whole."""

from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.meters.registers import RegisterTable, Type, Value, blocks_for, decode, directed, turned_round
from gateway.model.meters import Measured

FORMATS: dict[Type, str] = {
    "f32": ">f", "f64": ">d", "i16": ">h", "u16": ">H", "i32": ">i", "u32": ">I", "i64": ">q", "u64": ">Q",
}  # fmt: skip
words = st.integers(0, 0xFFFF)
amps = st.one_of(st.none(), st.floats(0, 1000))
watts = st.one_of(st.none(), st.floats(-1e6, 1e6))


@given(
    st.sampled_from(sorted(FORMATS)), st.lists(words, min_size=4, max_size=4), st.sampled_from(["big", "little"]),
    st.sampled_from([0.001, 0.1, 1.0, 100.0]), st.integers(0, 65_531),
)  # fmt: skip
def test_decoding_agrees_with_struct(kind: Type, four: list[int], word: str, scale: float, address: int) -> None:
    table = RegisterTable(function=3, word=word)  # type: ignore[arg-type]
    size = struct.calcsize(FORMATS[kind]) // 2
    registers = dict(enumerate(four, address))
    decoded = decode(Value(address, kind, scale), registers, table)
    ordered = four[:size] if word == "big" else four[:size][::-1]
    (raw,) = struct.unpack(FORMATS[kind], struct.pack(f">{size}H", *ordered))
    bits = 16 * size
    marked = kind.startswith("i") and (raw == -(2 ** (bits - 1)) or (bits > 16 and ordered[0] == 0x7FFF))
    if marked or not math.isfinite(raw * scale):
        assert decoded is None
    else:
        assert decoded == pytest.approx(raw * scale)


@given(st.integers(0, 3), st.sampled_from(["u16", "u32", "u64"]))
def test_all_bits_set_is_no_value_where_the_table_says_so(extra: int, kind: Type) -> None:
    registers = dict.fromkeys(range(4 + extra), 0xFFFF)
    assert decode(Value(0, kind), registers, RegisterTable(function=3, unsigned_missing=True)) is None
    assert decode(Value(0, kind), registers, RegisterTable(function=3)) is not None


@given(st.integers(-32768, 32767), st.integers(-0x8000, 0x7FFF))
def test_scale_factors_of_sunspec(number: int, factor: int) -> None:
    registers = {0: number & 0xFFFF, 5: factor & 0xFFFF}
    decoded = decode(Value(0, "i16", scale_at=5), registers, RegisterTable(function=3))
    if number == -32768 or not -10 <= factor <= 10:
        assert decoded is None
    else:
        assert decoded == pytest.approx(number * 10.0**factor)


@given(st.integers(0, 3))
def test_a_value_of_which_a_register_is_missing_is_unknown(missing: int) -> None:
    registers = {address: 1 for address in range(4) if address != missing}
    assert decode(Value(0, "u64"), registers, RegisterTable(function=3)) is None
    assert decode(Value(0, "i16", scale_at=9), {0: 5}, RegisterTable(function=3)) is None


@given(
    st.lists(st.tuples(st.integers(0, 500), st.sampled_from(["i16", "f32", "u64"])), min_size=1, max_size=12),
    st.integers(4, 125), st.integers(0, 40),
)  # fmt: skip
def test_blocks_fetch_every_value_whole_and_none_is_too_long(
    places: list[tuple[int, Type]], most: int, gap: int
) -> None:
    values, free = [], 0
    for address, kind in sorted(places):
        value = Value(max(free, address), kind)
        values.append(value)
        free = value.address + value.size
    blocks = blocks_for(values, most=most, gap=gap)
    assert all(0 < block.count <= most for block in blocks)
    for value in values:
        assert any(b.address <= value.address and value.address + value.size <= b.address + b.count for b in blocks)
    fetched = sum(block.count for block in blocks)
    assert fetched <= sum(value.size for value in values) + gap * (len(values) - 1)


@given(st.tuples(amps, amps, amps), st.tuples(watts, watts, watts))
def test_currents_take_the_direction_of_their_power(
    flows: tuple[float | None, float | None, float | None], power: tuple[float | None, float | None, float | None]
) -> None:
    for before, after, watt in zip(flows, directed(flows, power), power, strict=True):
        assert (before is None) == (after is None)
        if before is not None and after is not None:
            assert abs(after) == before
            assert after >= 0 or (watt is not None and watt < 0)
            assert after <= 0 or watt is None or watt >= 0


@given(st.tuples(amps, amps, amps), st.tuples(watts, watts, watts), watts, watts)
def test_turned_round_twice_is_as_before(
    flows: tuple[float | None, float | None, float | None],
    power: tuple[float | None, float | None, float | None],
    total: float | None,
    energy: float | None,
) -> None:
    values = Measured(flows, (230.0, 231.0, None), power, total, energy, 5.0)
    turned = turned_round(values)
    assert turned_round(turned) == values
    assert (turned.energy_import_wh, turned.energy_export_wh) == (5.0, energy)
