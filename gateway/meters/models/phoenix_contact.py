"""Phoenix Contact EEM-MA37x: floats in holding registers, low word first."""

from __future__ import annotations

from gateway.meters.registers import RegisterTable, Value, three

EEM_MA370 = RegisterTable(
    function=3,
    word="little",
    volts=three((0x8006, 0x8008, 0x800A)),
    amps=three((0x800E, 0x8010, 0x8012)),
    watts=three((0x801E, 0x8020, 0x8022)),
    total=Value(0x8016),
    energy_import=Value(0x8100),
    energy_export=Value(0x8106),
    max_gap=6,
)
