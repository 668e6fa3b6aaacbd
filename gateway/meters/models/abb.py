"""ABB A43, A44, B23, B24, M4M: scaled integers in holding registers; all bits set means no value."""

from __future__ import annotations

from gateway.meters.registers import RegisterTable, Value, three

B23 = RegisterTable(
    function=3,
    volts=three((0x5B00, 0x5B02, 0x5B04), "u32", 0.1),
    amps=three((0x5B0C, 0x5B0E, 0x5B10), "u32", 0.01),
    watts=three((0x5B16, 0x5B18, 0x5B1A), "i32", 0.01),
    total=Value(0x5B14, "i32", 0.01),
    energy_import=Value(0x5000, "u64", 10),
    energy_export=Value(0x5004, "u64", 10),
    max_gap=6,
    unsigned_missing=True,
)
