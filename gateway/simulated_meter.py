"""A small honest site meter for `demo`: an Eastron SDM630 that answers over real Modbus TCP.

It measures what it is told: the current of each phase at the moment when it is asked. It knows nothing of the gateway.
"""

from __future__ import annotations

import asyncio
import logging
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

VOLTS = 230.0
_REGISTERS = 0x160

Amps = tuple[float, float, float]


@asynccontextmanager
async def simulated_meter(port: int, amps: Callable[[], Amps]) -> AsyncIterator[int]:
    """Answer on 127.0.0.1 for the length of the block; `amps` is what flows now. Raises OSError."""
    logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
    counter = _Counter(amps)

    async def refresh(
        function: int, start: int, address: int, count: int, registers: list[int], written: object
    ) -> ExcCodes | None:
        for place, value in counter.values().items():
            registers[place - start : place - start + 2] = struct.unpack(">HH", struct.pack(">f", value))
        return None

    data = SimData(0, count=_REGISTERS, values=0, datatype=DataType.REGISTERS)
    server = ModbusTcpServer(SimDevice(1, simdata=[data], action=refresh), address=("127.0.0.1", port))
    await server.listen()
    try:
        transport = server.transport
        yield int(transport.sockets[0].getsockname()[1]) if isinstance(transport, asyncio.Server) else port
    finally:
        await server.shutdown()  # type: ignore[no-untyped-call]


class _Counter:
    """Counts energy from the moments at which it was asked."""

    def __init__(self, amps: Callable[[], Amps]) -> None:
        self._amps = amps
        self._import_wh = 0.0
        self._read_at = asyncio.get_running_loop().time()

    def values(self) -> dict[int, float]:
        """Register -> value, as in the maker's table."""
        now, amps = asyncio.get_running_loop().time(), self._amps()
        watts = [VOLTS * one for one in amps]
        self._import_wh += sum(watts) * (now - self._read_at) / 3600
        self._read_at = now
        found = {2 * phase: VOLTS for phase in range(3)}
        found |= {0x06 + 2 * phase: amps[phase] for phase in range(3)}
        found |= {0x0C + 2 * phase: watts[phase] for phase in range(3)}
        return found | {0x34: sum(watts), 0x46: 50.0, 0x48: self._import_wh / 1000, 0x4A: 0.0}
