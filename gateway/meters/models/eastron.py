"""Eastron SDM630, SDM72D-M and their kin: floats in input registers. Many are sold under other names."""

from __future__ import annotations

from gateway.meters.registers import RegisterTable, Value, three

SDM630 = RegisterTable(
    function=4,
    volts=three((0x00, 0x02, 0x04)),
    amps=three((0x06, 0x08, 0x0A)),
    watts=three((0x0C, 0x0E, 0x10)),
    # the total at 0x34 would cost a second request each second on a slow line: it is the sum of the phases
    energy_import=Value(0x48, scale=1000),
    energy_export=Value(0x4A, scale=1000),
    max_registers=80,
    gap_seconds=0.1,
)

SDM72_V1 = RegisterTable(
    function=4,
    total=Value(0x34),
    energy_import=Value(0x48, scale=1000),
    energy_export=Value(0x4A, scale=1000),
    max_registers=10,
    gap_seconds=0.1,
)
