"""evcc 17500: two programs poll meters on one RS485 line, and each takes the answers meant for the other.

Here a serial device is held exclusively. Where a second master sits on the wires all the same, its traffic makes
readings rarer but never wrong: what does not fit the question is dropped, and the question is asked again.
"""

from __future__ import annotations

import struct
from pathlib import Path

from gateway.meters.plans import SerialLine
from tests.fakes.modbus_meters import ServedMeter, on_serial
from tests.fakes.pty_bridge import PtyBridge
from tests.unit.meters.reading_for_real import plan, reading, until
from tests.unit.meters.register_dumps import named
from tests.unit.meters.telegrams import crc_arc

_TIMES = 10


def answer(unit: int, values: list[float]) -> bytes:
    """A sound answer to a question that this gateway did not ask."""
    data = struct.pack(f">{len(values)}f", *values)
    frame = bytes([unit, 4, len(data)]) + data
    return frame + struct.pack("<H", modbus_crc(frame))


def modbus_crc(frame: bytes) -> int:
    """CRC-16/MODBUS is CRC-16/ARC that begins with all bits set: the same as flipping the first two bytes."""
    return crc_arc(bytes([frame[0] ^ 0xFF, frame[1] ^ 0xFF]) + frame[2:])


OF_ANOTHER_UNIT = answer(5, [999.0] * 9)
OF_OTHER_REGISTERS = answer(1, [999.0, 999.0])


async def test_foreign_answers_are_never_taken_for_ours(tmp_path: Path) -> None:
    assert modbus_crc(bytes.fromhex("01030000000A")) == 0xCDC5, "the example that every manual has"
    with PtyBridge(tmp_path, baudrate=19_200) as bridge:
        grid = plan("grid", "eastron_sdm630", SerialLine(str(bridge.line), 19_200), interval=0.1)
        meter = ServedMeter(1, dict(named("eastron_sdm630").registers))
        async with on_serial(bridge.meter_side, meter, baudrate=19_200), reading(grid) as latest:
            await until(latest, "grid", lambda heard: heard.reading is not None)
            bridge.interruptions = [OF_ANOTHER_UNIT, OF_OTHER_REGISTERS] * _TIMES
            while bridge.interruptions:
                wanted = latest.reads["grid"] + 1
                heard = await until(latest, "grid", lambda _, wanted=wanted: latest.reads["grid"] >= wanted)  # type: ignore[misc]
                assert heard.reading is not None
                assert heard.reading.measured.amps == (10.5, -8.25, 0.75)
                assert heard.reading.measured.volts == (230.5, 231.25, 229.75)
            assert latest.errors["grid"]["garbled"] > 0
