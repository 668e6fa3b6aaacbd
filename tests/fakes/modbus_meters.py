"""Independent Modbus meters: the servers of pymodbus with register dumps behind them, on TCP and on a serial line."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from pymodbus.constants import ExcCodes
from pymodbus.framer import FramerType
from pymodbus.server import ModbusSerialServer, ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice


@dataclass
class ServedMeter:
    """One unit. Change `registers` (or `refuses`) and the next answer has it."""

    unit: int
    registers: dict[int, int]
    function: int = 4
    refuses: ExcCodes | None = None
    most: int = 125
    asked: list[tuple[int, int, int]] = field(default_factory=list)

    def device(self) -> SimDevice:
        """This meter as pymodbus serves it."""

        async def answer(
            function: int, start: int, address: int, count: int, current: list[int], written: object
        ) -> ExcCodes | None:
            self.asked.append((function, address, count))
            if self.refuses is not None:
                return self.refuses
            if function != self.function:
                return ExcCodes.ILLEGAL_FUNCTION
            places = range(address, address + count)
            if count > self.most or not any(place in self.registers for place in places):
                return ExcCodes.ILLEGAL_ADDRESS
            for place in places:
                current[place - start] = self.registers.get(place, 0)
            return None

        whole = SimData(0, count=65_536, values=0, datatype=DataType.REGISTERS)
        return SimDevice(self.unit, simdata=[whole], action=answer)


@asynccontextmanager
async def on_tcp(*meters: ServedMeter, port: int = 0, rtu_frames: bool = False) -> AsyncIterator[int]:
    """Serve these meters on 127.0.0.1; gives the port."""
    logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
    framer = FramerType.RTU if rtu_frames else FramerType.SOCKET
    server = ModbusTcpServer(_devices(meters), framer=framer, address=("127.0.0.1", port))
    await server.listen()
    try:
        yield server.transport.sockets[0].getsockname()[1]  # type: ignore[union-attr]
    finally:
        await server.shutdown()  # type: ignore[no-untyped-call]


@asynccontextmanager
async def on_serial(device: str, *meters: ServedMeter, baudrate: int = 9600) -> AsyncIterator[None]:
    """Serve these meters on a serial device."""
    logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
    server = ModbusSerialServer(_devices(meters), framer=FramerType.RTU, port=device, baudrate=baudrate)
    await server.listen()
    try:
        yield
    finally:
        await server.shutdown()  # type: ignore[no-untyped-call]


def _devices(meters: tuple[ServedMeter, ...]) -> list[SimDevice]:
    return [meter.device() for meter in meters]


def float_words(value: float) -> Mapping[int, int]:
    """A float as two registers at offsets 0 and 1, high word first."""
    import struct

    return dict(enumerate(struct.unpack(">HH", struct.pack(">f", value))))
