"""Janitza UMG network analysers and the B series: floats in holding registers."""

from __future__ import annotations

from gateway.meters.registers import RegisterTable, Value, three

UMG96 = RegisterTable(
    function=3,
    volts=three((19000, 19002, 19004)),
    amps=three((19012, 19014, 19016)),
    watts=three((19020, 19022, 19024)),
    total=Value(19026),
    energy_import=Value(19068),
    energy_export=Value(19076),
    max_gap=6,
)

UMG104 = RegisterTable(
    function=3,
    volts=three((1317, 1319, 1321)),
    amps=three((1325, 1327, 1329)),
    watts=three((1333, 1335, 1337)),
    total=Value(1369),
    energy_import=Value(9851),
    energy_export=Value(9863),
    max_gap=30,
)

B23 = RegisterTable(
    function=3,
    volts=three((0x4A38, 0x4A3A, 0x4A3C)),
    amps=three((0x4A44, 0x4A46, 0x4A48)),
    watts=three((0x4A4C, 0x4A4E, 0x4A50)),
    total=Value(0x4A52),
    energy_import=Value(0x4A7C),
    energy_export=Value(0x4A84),
    max_gap=6,
)
