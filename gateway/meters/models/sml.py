"""SML (Germany): binary telegrams over the optical D0 interface, every one to four seconds, with a checksum.

Most household meters tell the power alone, perhaps per phase, and no currents. Pure: bytes in, values out.
"""

from __future__ import annotations

from gateway.meters.cutting import Cut, Garbled
from gateway.meters.registers import directed
from gateway.model.meters import Measured, Phases

_BEGIN = b"\x1b\x1b\x1b\x1b\x01\x01\x01\x01"
_END = b"\x1b\x1b\x1b\x1b\x1a"
_ESCAPE = b"\x1b\x1b\x1b\x1b"
_LONGEST = 16_384


def cut(buffer: bytes) -> Cut:
    """The first whole telegram in the buffer. Raises Garbled when its checksum is wrong."""
    from smllib.errors import SmlLibException
    from smllib.reader import SmlStreamReader

    start = buffer.find(_BEGIN)
    if start < 0:
        return Cut(None, buffer[-len(_BEGIN) :])
    end = buffer.find(_END, start + len(_BEGIN))
    while end >= 0 and buffer[end - len(_ESCAPE) : end] == _ESCAPE:  # an escaped escape sequence inside the data
        end = buffer.find(_END, end + 1)
    if end < 0 or len(buffer) < end + 8:
        again = buffer.rfind(_BEGIN)  # a telegram that was broken off: the next one has begun
        rest = buffer[again if end < 0 else start :]
        return Cut(None, rest if len(rest) <= _LONGEST else b"")
    telegram, rest = buffer[start : end + 8], buffer[end + 8 :]
    again = telegram.rfind(_BEGIN)
    reader = SmlStreamReader()
    reader.add(telegram[again:])
    try:
        frame = reader.get_frame()
        entries = frame.get_obis() if frame is not None else []
    except SmlLibException as error:
        raise Garbled(f"a telegram is broken ({type(error).__name__})", rest) from error
    values = {str(entry.obis): entry.get_value() for entry in entries}
    return Cut(measured({name: value for name, value in values.items() if isinstance(value, int | float)}), rest)


def measured(values: dict[str, float]) -> Measured:
    """The values of a telegram, by OBIS code in hexadecimal."""
    watts = _three(values, ("0100240700ff", "0100380700ff", "01004c0700ff"))
    amps = directed(_three(values, ("01001f0700ff", "0100330700ff", "0100470700ff")), watts)
    volts = _three(values, ("0100200700ff", "0100340700ff", "0100480700ff"))
    total = values.get("0100100700ff", values.get("01000f0700ff"))
    if total is None and any(value is not None for value in watts):
        total = sum(value for value in watts if value is not None)
    return Measured(amps, volts, watts, total, values.get("0100010800ff"), values.get("0100020800ff"))


def _three(values: dict[str, float], names: tuple[str, str, str]) -> Phases:
    one, two, three = (values.get(name) for name in names)
    return one, two, three
