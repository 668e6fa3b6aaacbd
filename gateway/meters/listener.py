"""Hears a meter that talks by itself (P1, SML) on a serial line or through a TCP converter, and cuts its telegrams.

It writes into `latest` and opens the line again when it breaks or falls silent. What a telegram means is the model's.
"""

from __future__ import annotations

import asyncio
import termios
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

import serial  # type: ignore[import-untyped]

from gateway.meters.bus import LineDown, why_not_opened
from gateway.meters.cutting import Cut, Garbled
from gateway.meters.latest import Latest
from gateway.meters.plans import MeterPlan, NetworkLine, Place, SerialLine
from gateway.meters.registers import turned_round
from gateway.model.instants import Instant

SILENCE_SECONDS = 20.0
"""So long not a single byte came: the line is closed and opened again."""
_CONNECT_SECONDS = 5.0
_LONGEST_WAIT_SECONDS = 30.0


class Stream(Protocol):
    """Bytes as they come."""

    async def read(self) -> bytes: ...


async def listen(
    meter: MeterPlan,
    latest: Latest,
    *,
    open_stream: Callable[[], AbstractAsyncContextManager[Stream]],
    wall_clock: Callable[[], Instant],
) -> None:
    """Hear this meter until cancelled."""
    failures = 0
    while True:
        reads = latest.reads[meter.name]
        try:
            async with open_stream() as stream:
                await _hear(stream, meter, latest, wall_clock)
        except TimeoutError:
            latest.failed(meter.name, "silent", f"nothing comes on {meter.place}")
        except LineDown as down:
            latest.failed(meter.name, "line", str(down))
        failures = failures + 1 if latest.reads[meter.name] == reads else 1
        await asyncio.sleep(min(_LONGEST_WAIT_SECONDS, 2.0 ** min(failures - 1, 10)))


async def _hear(stream: Stream, meter: MeterPlan, latest: Latest, wall_clock: Callable[[], Instant]) -> None:
    cut = meter.model.cut
    assert cut is not None, "a model that talks by itself"
    loop = asyncio.get_running_loop()
    buffer, heard_at = b"", loop.time()
    while True:
        async with asyncio.timeout(SILENCE_SECONDS):
            buffer += await stream.read()
        found, buffer = _telegrams(buffer, cut, meter.name, latest)
        if found is not None and found.measured is not None:
            values = turned_round(found.measured) if meter.inverted else found.measured
            latest.succeeded(meter.name, values, wall=wall_clock(), loop_seconds=loop.time())
            heard_at = loop.time()
        elif loop.time() - heard_at > SILENCE_SECONDS:
            words = "something comes, but no telegram: are model, baudrate and parity right?"
            latest.failed(meter.name, "garbled", words)
            heard_at = loop.time()


def _telegrams(buffer: bytes, cut: Callable[[bytes], Cut], name: str, latest: Latest) -> tuple[Cut | None, bytes]:
    """The newest whole telegram in the buffer, and what is left of it."""
    newest: Cut | None = None
    while True:
        try:
            one = cut(buffer)
        except Garbled as garbled:
            latest.failed(name, "garbled", str(garbled))
            buffer = garbled.rest
            continue
        if one.measured is None:
            return newest, one.rest
        newest, buffer = one, one.rest


@asynccontextmanager
async def open_stream(place: Place) -> AsyncIterator[Stream]:
    """The open line for the length of the block. Raises LineDown."""
    match place:
        case SerialLine():
            # electricity meters that talk with parity send seven bits (DSMR 2.2: 9600 7E1)
            size = serial.EIGHTBITS if place.parity == "N" else serial.SEVENBITS
            try:
                port = serial.Serial(
                    place.device, place.baudrate, bytesize=size, parity=place.parity, timeout=0, exclusive=True
                )
            except (OSError, ValueError, termios.error) as error:
                raise LineDown(why_not_opened(place.device)) from error
            try:
                yield _SerialStream(port)
            finally:
                port.close()
        case NetworkLine():
            try:
                async with asyncio.timeout(_CONNECT_SECONDS):
                    reader, writer = await asyncio.open_connection(place.host, place.port)
            except (OSError, TimeoutError) as error:
                raise LineDown(f"{place} cannot be reached") from error
            try:
                yield _NetworkStream(place, reader)
            finally:
                writer.close()


class _SerialStream:
    """A serial device that is read when the loop says that there is something."""

    __slots__ = ("_port",)

    def __init__(self, port: serial.Serial) -> None:
        self._port = port

    async def read(self) -> bytes:
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[None] = loop.create_future()
        descriptor = self._port.fileno()
        loop.add_reader(descriptor, _set, ready)
        try:
            await ready
        finally:
            loop.remove_reader(descriptor)
        try:
            return bytes(self._port.read(4096))
        except (OSError, TypeError) as error:
            raise LineDown(f"{self._port.name} is gone") from error


class _NetworkStream:
    __slots__ = ("_place", "_reader")

    def __init__(self, place: NetworkLine, reader: asyncio.StreamReader) -> None:
        self._place = place
        self._reader = reader

    async def read(self) -> bytes:
        try:
            data = await self._reader.read(4096)
        except OSError as error:
            raise LineDown(f"{self._place} broke: {error.strerror or error}") from error
        if not data:
            raise LineDown(f"{self._place} was closed by the other side")
        return data


def _set(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)
