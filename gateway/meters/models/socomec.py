"""Socomec Countis E2x, E3x and Diris A14: scaled integers in holding registers."""

from __future__ import annotations

from gateway.meters.registers import RegisterTable, Value, three

COUNTIS_E = RegisterTable(
    function=3,
    volts=three((0xC558, 0xC55A, 0xC55C), "u32", 0.01),
    amps=three((0xC560, 0xC562, 0xC564), "u32", 0.001),
    watts=three((0xC570, 0xC572, 0xC574), "i32", 10),
    total=Value(0xC568, "i32", 10),
    energy_import=Value(0xC702, "u32", 10),
    max_gap=6,
)
