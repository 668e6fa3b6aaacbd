"""Shelly Pro 3EM with Modbus TCP switched on: floats in input registers, low word first."""

from __future__ import annotations

from gateway.meters.registers import RegisterTable, Value, three

PRO_3EM = RegisterTable(
    function=4,
    word="little",
    volts=three((1020, 1040, 1060)),
    amps=three((1022, 1042, 1062)),
    watts=three((1024, 1044, 1064)),
    total=Value(1013),
    max_gap=16,
)
