"""SunSpec meters: the register table is found by asking. `SunS` stands at one of three places, then model after model.

Models 201 to 204 are integers with scale factors, 211 to 214 floats; offsets count from the register of the model's
number. Pure: the walk is a generator of questions, whoever drives it fetches the registers.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence

from gateway.meters.registers import Block, RegisterTable, Three, Value

BASES = (40000, 50000, 0)
MARK = [0x5375, 0x6E53]
_END = 0xFFFF
_INTEGERS = range(201, 205)
_FLOATS = range(211, 215)
_MOST_MODELS = 60


def find() -> Generator[Block, Sequence[int] | None, RegisterTable | None]:
    """Yields what to read, is sent the registers (None: refused); returns the table, None: there is no such meter."""
    for base in BASES:
        if list((yield Block(base, 2)) or ()) != MARK:
            continue
        address = base + 2
        for _ in range(_MOST_MODELS):
            head = yield Block(address, 2)
            if head is None or head[0] == _END or address + 2 + head[1] > 0xFFFF:
                break
            if head[0] in _INTEGERS:
                return _integers(address)
            if head[0] in _FLOATS:
                return _floats(address)
            address += 2 + head[1]
    return None


def _integers(start: int) -> RegisterTable:
    def scaled(offsets: tuple[int, int, int], factor: int) -> Three:
        one, two, three = (Value(start + offset, "i16", scale_at=start + factor) for offset in offsets)
        return one, two, three

    return RegisterTable(
        function=3,
        amps=scaled((3, 4, 5), 6),
        volts=scaled((8, 9, 10), 15),
        watts=scaled((19, 20, 21), 22),
        total=Value(start + 18, "i16", scale_at=start + 22),
        energy_export=Value(start + 38, "u32", scale_at=start + 54),
        energy_import=Value(start + 46, "u32", scale_at=start + 54),
        max_gap=10,
    )


def _floats(start: int) -> RegisterTable:
    def floats(offsets: tuple[int, int, int]) -> Three:
        one, two, three = (Value(start + offset) for offset in offsets)
        return one, two, three

    return RegisterTable(
        function=3,
        amps=floats((4, 6, 8)),
        volts=floats((12, 14, 16)),
        watts=floats((30, 32, 34)),
        total=Value(start + 28),
        energy_export=Value(start + 60),
        energy_import=Value(start + 68),
        max_gap=12,
    )
