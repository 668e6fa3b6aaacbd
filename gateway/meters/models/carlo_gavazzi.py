"""Carlo Gavazzi EM24, EM300 and EM500 series: 32-bit integers, low word first."""

from __future__ import annotations

from dataclasses import replace

from gateway.meters.registers import RegisterTable, Value, three

EM300 = RegisterTable(
    function=4,
    word="little",
    volts=three((0x00, 0x02, 0x04), "i32", 0.1),
    amps=three((0x0C, 0x0E, 0x10), "i32", 0.001),
    watts=three((0x12, 0x14, 0x16), "i32", 0.1),
    total=Value(0x28, "i32", 0.1),
    energy_import=Value(0x34, "i32", 100),
    energy_export=Value(0x4E, "i32", 100),
    max_registers=50,
    max_gap=18,
)

EM24 = replace(
    EM300,
    total=None,  # 0x28 lies outside the eleven registers of one request: it is the sum of the phases
    energy_import=Value(0x42, "i32", 100),
    energy_export=Value(0x5C, "i32", 100),
    max_registers=11,
    max_gap=0,
)
