"""Siemens SENTRON PAC2200, PAC3200, PAC4200 (floats) and PAC1600, 7KT166x (scaled integers)."""

from __future__ import annotations

from gateway.meters.registers import RegisterTable, Value, three

PAC2200 = RegisterTable(
    function=3,
    volts=three((1, 3, 5)),
    amps=three((13, 15, 17)),
    watts=three((25, 27, 29)),
    total=Value(65),
    energy_import=Value(801, "f64"),
    energy_export=Value(809, "f64"),
    max_gap=34,
)

PAC1600 = RegisterTable(
    function=3,
    volts=three((1, 3, 5), "u32", 0.01),
    amps=three((7, 9, 11), "u32", 0.0001),
    watts=three((19, 21, 23), "i32", 0.01),
    # the total at 57 would cost a second request each second: this meter refuses to read over the gap before it
    energy_import=Value(6687, "u32"),
    energy_export=Value(6689, "u32"),
    max_gap=6,
)
