"""One Modbus line: a serial device or a TCP address on which several meters may answer. One question at a time.

It opens, asks, rests between questions and tells apart what can go wrong. It does not know what registers mean, nor
who is asked when (poller), and never waits longer than its patience. The library's own retries and reconnections are
off.
"""

from __future__ import annotations

import asyncio
import logging
import os
import termios
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException
from pymodbus.framer import FramerType
from pymodbus.pdu import ExceptionResponse

from gateway.meters.plans import NetworkLine, Place, SerialLine

_LIBRARY_LOG = "pymodbus"
_CONNECT_SECONDS = 5.0
_NETWORK_PATIENCE_SECONDS = 1.0
_SERIAL_PATIENCE_SECONDS = 0.4
_LONGEST_FRAME_BITS = 256 * 11
_NEVER = 2**31
_ILLEGAL = {1: "function", 2: "address", 3: "length"}
_NAMES = {4: "device failure", 5: "acknowledge", 6: "busy", 10: "no path", 11: "no answer behind the gateway"}


class LineDown(Exception):
    """The line cannot be opened or broke; the text says why."""


class MeterSilent(Exception):
    """No usable answer came in time: nobody there, or a damaged frame."""


class MeterRefused(Exception):
    """The meter answered that it will not: `code` is Modbus's, `wrong_registers` whether it lacks what was asked."""

    def __init__(self, code: int) -> None:
        words = f"illegal {_ILLEGAL[code]}" if code in _ILLEGAL else _NAMES.get(code, "unknown reason")
        super().__init__(f"the meter refuses: {words} (exception {code})")
        self.code = code
        self.wrong_registers = code in _ILLEGAL


class AnswerTooShort(Exception):
    """The meter answered fewer or more registers than were asked for."""


@asynccontextmanager
async def open_line(place: Place, *, patience_seconds: float | None = None) -> AsyncIterator[Line]:
    """The open line for the length of the block. Raises LineDown."""
    logging.getLogger(_LIBRARY_LOG).setLevel(logging.CRITICAL)  # it would log the newest frames of each fault
    patience = patience_seconds or patience_for(place)
    client = _client(place, patience)
    client.set_max_no_responses(_NEVER)  # it would hang up by itself
    try:
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                opened = await client.connect()
        except (OSError, ValueError, TimeoutError, termios.error) as error:
            raise LineDown(_why_closed(place)) from error
        if not opened:
            raise LineDown(_why_closed(place))
        client.ctx.comm_params.timeout_connect = patience  # the library has one number for both
        yield Line(place, client)
    finally:
        client.close()


def patience_for(place: Place) -> float:
    """How long an answer may take: on a serial line its longest frame counts."""
    if isinstance(place, NetworkLine):
        return _NETWORK_PATIENCE_SECONDS
    return _SERIAL_PATIENCE_SECONDS + _LONGEST_FRAME_BITS / place.baudrate / 2


class Line:
    """An open line. Whoever has it asks one question after the other, never two at once."""

    __slots__ = ("_client", "_rest_until", "place")

    def __init__(self, place: Place, client: AsyncModbusSerialClient | AsyncModbusTcpClient) -> None:
        self.place = place
        self._client = client
        self._rest_until = 0.0

    @property
    def is_open(self) -> bool:
        """Whether the device or the connection is still there; a silent serial line is open."""
        return bool(self._client.connected)

    async def read(self, unit: int, function: int, address: int, count: int, *, gap_seconds: float = 0.0) -> list[int]:
        """`count` registers; the next question waits `gap_seconds`.

        Raises MeterSilent, MeterRefused, AnswerTooShort, LineDown.
        """
        loop = asyncio.get_running_loop()
        await asyncio.sleep(self._rest_until - loop.time())
        if not self.is_open:
            raise LineDown(f"{self.place} was closed by the other side")
        ask = self._client.read_holding_registers if function == 3 else self._client.read_input_registers
        rest = gap_seconds if isinstance(self.place, SerialLine) or self.place.rtu_frames else 0.0
        try:
            answer = await ask(address, count=count, device_id=unit)
        except ModbusException as error:
            if not self.is_open:
                raise LineDown(f"{self.place} was closed by the other side") from error
            rest = max(rest, 0.05)  # what comes late must not be taken for the next answer
            raise MeterSilent(f"unit {unit} on {self.place} does not answer") from error
        finally:
            self._rest_until = loop.time() + rest
        if isinstance(answer, ExceptionResponse):
            raise MeterRefused(answer.exception_code)
        if answer.function_code != function or len(answer.registers) != count:
            raise AnswerTooShort(f"unit {unit} answered {len(answer.registers)} registers instead of {count}")
        return list(answer.registers)


def _client(place: Place, patience: float) -> AsyncModbusSerialClient | AsyncModbusTcpClient:
    match place:
        case SerialLine():
            return AsyncModbusSerialClient(
                place.device, baudrate=place.baudrate, parity=place.parity, timeout=patience, retries=0,
                reconnect_delay=0,
            )  # fmt: skip
        case NetworkLine():
            framer = FramerType.RTU if place.rtu_frames else FramerType.SOCKET
            return AsyncModbusTcpClient(
                place.host, port=place.port, framer=framer, timeout=_CONNECT_SECONDS, retries=0, reconnect_delay=0
            )


def _why_closed(place: Place) -> str:
    """The library tells no reason."""
    if isinstance(place, NetworkLine):
        return f"{place} cannot be reached"
    return why_not_opened(place.device)


def why_not_opened(device: str) -> str:
    """The likely reason why a serial device cannot be opened."""
    if not os.path.exists(device):
        return f"{device} is not there"
    if not os.access(device, os.R_OK | os.W_OK):
        return f"{device} may not be opened by this user (group dialout)"
    return f"{device} is in use by another program, or cannot be set to this speed and parity"
