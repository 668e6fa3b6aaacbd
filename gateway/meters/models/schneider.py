"""Schneider iEM3000 and PM3200 series: floats in holding registers; addresses are one less than in the manual."""

from __future__ import annotations

from gateway.meters.registers import RegisterTable, Value, three

IEM3000 = RegisterTable(
    function=3,
    amps=three((0x0BB7, 0x0BB9, 0x0BBB)),
    volts=three((0x0BD3, 0x0BD5, 0x0BD7)),
    watts=three((0x0BED, 0x0BEF, 0x0BF1), scale=1000),
    total=Value(0x0BF3, scale=1000),
    energy_import=Value(0x0C83, "i64"),
    energy_export=Value(0x0C87, "i64"),
    max_gap=22,
)
