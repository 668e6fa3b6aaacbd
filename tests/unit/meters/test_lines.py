"""Real lines: a pseudo terminal at 9600 baud, Modbus TCP, RTU over TCP, with independent meters on the other side."""

from __future__ import annotations

import asyncio
import socket
import struct
import termios
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from pymodbus.client import AsyncModbusSerialClient
from pymodbus.constants import ExcCodes

from gateway.meters.plans import NetworkLine, SerialLine
from gateway.model.meters import Heard
from tests.fakes.modbus_meters import ServedMeter, on_serial, on_tcp
from tests.fakes.pty_bridge import PtyBridge
from tests.unit.meters.reading_for_real import Watched, next_reading, plan, reading, until
from tests.unit.meters.register_dumps import named

pytestmark = pytest.mark.slow

SDM630, EM340 = named("eastron_sdm630"), named("carlo_gavazzi_em340")


def sdm(unit: int = 1) -> ServedMeter:
    return ServedMeter(unit, dict(SDM630.registers))


def set_amps(meter: ServedMeter, phase: int, value: float) -> None:
    meter.registers.update(enumerate(struct.unpack(">HH", struct.pack(">f", value)), 6 + 2 * phase))


def has_reading(heard: Heard) -> bool:
    return heard.reading is not None and heard.failure is None


@pytest.fixture
def bridge(tmp_path: Path) -> PtyBridge:
    return PtyBridge(tmp_path)


@asynccontextmanager
async def one_meter(bridge: PtyBridge, *, interval: float = 0.2) -> AsyncIterator[tuple[Watched, ServedMeter]]:
    """One SDM630 on the line, read five times a second."""
    meter = sdm()
    with bridge:
        line = SerialLine(str(bridge.line), 9600)
        async with (
            on_serial(bridge.meter_side, meter),
            reading(plan("grid", "eastron_sdm630", line, interval=interval)) as latest,
        ):
            await until(latest, "grid", has_reading)
            yield latest, meter


async def test_a_serial_line_at_9600_baud(bridge: PtyBridge) -> None:
    async with one_meter(bridge) as (latest, meter):
        heard = await until(
            latest,
            "grid",
            lambda heard: has_reading(heard) and heard.reading.measured.energy_import_wh is not None,  # type: ignore[union-attr]
        )
        assert heard.reading is not None
        assert heard.reading.measured.amps == (10.5, -8.25, 0.75)
        assert heard.reading.measured.energy_import_wh == 12_345_500
        set_amps(meter, 0, 31.5)
        heard = await next_reading(latest, "grid")
        assert heard.reading is not None and heard.reading.measured.amps[0] == 31.5
        assert (4, 0, 18) in meter.asked and latest.errors["grid"] == {}


async def test_two_models_share_one_line(bridge: PtyBridge) -> None:
    with bridge:
        line = SerialLine(str(bridge.line), 9600)
        meters = (sdm(1), ServedMeter(2, dict(EM340.registers)))
        plans = (plan("a", "eastron_sdm630", line, unit=1), plan("b", "carlo_gavazzi_em340", line, unit=2))
        async with on_serial(bridge.meter_side, *meters), reading(*plans) as latest:
            for name in ("a", "b"):
                heard = await until(latest, name, has_reading)
                assert heard.reading is not None
                assert heard.reading.measured.amps == pytest.approx((10.5, -8.25, 0.75))
                assert heard.reading.measured.total_watts == pytest.approx(770)


async def test_a_corrupted_and_a_cut_answer_are_asked_for_again(bridge: PtyBridge) -> None:
    async with one_meter(bridge) as (latest, _):
        for fault in ("corrupt_answers", "cut_answers"):
            setattr(bridge, fault, 1)
            failures = latest.errors["grid"]["silent"]
            await until(latest, "grid", lambda heard, failures=failures: latest.errors["grid"]["silent"] > failures)  # type: ignore[misc]
            heard = await next_reading(latest, "grid")
            assert heard.reading is not None and heard.reading.measured.amps == (10.5, -8.25, 0.75)
            assert heard.failure is None


async def test_a_line_that_falls_silent_recovers(bridge: PtyBridge) -> None:
    async with one_meter(bridge) as (latest, _):
        bridge.muted = True
        await until(latest, "grid", lambda heard: latest.errors["grid"]["silent"] >= 3)
        bridge.muted = False
        await until(latest, "grid", has_reading)


async def test_an_adapter_that_is_pulled_out_and_plugged_in_again(bridge: PtyBridge) -> None:
    async with one_meter(bridge) as (latest, _):
        bridge.pull_out()
        heard = await until(latest, "grid", lambda heard: "is not there" in (heard.failure or ""))
        assert heard.failure == f"{bridge.line} is not there"
        bridge.plug_in()
        await until(latest, "grid", has_reading)


async def test_a_unit_that_never_answers_beside_one_that_does(bridge: PtyBridge) -> None:
    bridge.deaf_units = {9}
    with bridge:
        line = SerialLine(str(bridge.line), 9600)
        plans = (plan("dead", "eastron_sdm630", line, unit=9), plan("grid", "eastron_sdm630", line, interval=0.2))
        async with on_serial(bridge.meter_side, sdm()), reading(*plans) as latest:
            await until(latest, "grid", lambda _: latest.reads["grid"] >= 12)
            assert latest.of("dead").reading is None and latest.errors["dead"]["silent"] <= 6


async def test_a_busy_meter_and_one_that_takes_short_requests_only(bridge: PtyBridge) -> None:
    async with one_meter(bridge) as (latest, meter):
        meter.refuses = ExcCodes.DEVICE_BUSY
        heard = await until(latest, "grid", lambda heard: heard.failure is not None)
        assert heard.failure == "the meter refuses: busy (exception 6)"
        meter.refuses = None
        await until(latest, "grid", has_reading)
    short = sdm()
    short.most = 10
    async with on_tcp(short) as port, reading(plan("s", "eastron_sdm630", NetworkLine("127.0.0.1", port))) as latest:
        heard = await until(latest, "s", has_reading)
        assert heard.reading is not None and heard.reading.measured.watts == (2400, -1800, 170)


async def test_a_device_that_somebody_else_uses_is_told(bridge: PtyBridge) -> None:
    async with one_meter(bridge):
        line = SerialLine(str(bridge.line), 9600)
        async with reading(plan("second", "eastron_sdm630", line)) as latest:
            heard = await until(latest, "second", lambda heard: heard.failure is not None)
            assert (
                heard.failure
                == f"{bridge.line} is in use by another program, or cannot be set to this speed and parity"
            )


async def test_a_device_that_cannot_be_set_so_is_told(bridge: PtyBridge, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(client: AsyncModbusSerialClient) -> bool:
        raise termios.error(22, "Invalid argument")

    monkeypatch.setattr(AsyncModbusSerialClient, "connect", refuse)
    with bridge:
        async with reading(plan("grid", "eastron_sdm630", SerialLine(str(bridge.line), 9600, "E"))) as latest:
            heard = await until(latest, "grid", lambda heard: heard.failure is not None)
            assert "cannot be set to this speed" in (heard.failure or "")


@pytest.mark.parametrize("rtu_frames", [False, True], ids=["modbus tcp", "rtu over tcp"])
async def test_meters_in_the_network(rtu_frames: bool) -> None:
    async with on_tcp(sdm(1), sdm(3), rtu_frames=rtu_frames) as port:
        line = NetworkLine("127.0.0.1", port, rtu_frames)
        async with reading(plan("a", "eastron_sdm630", line), plan("b", "eastron_sdm630", line, unit=3)) as latest:
            for name in ("a", "b"):
                heard = await until(latest, name, has_reading)
                assert heard.reading is not None and heard.reading.measured.amps == (10.5, -8.25, 0.75)


async def test_a_meter_in_the_network_that_comes_later_and_is_restarted() -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    line = NetworkLine("127.0.0.1", port)
    async with reading(plan("grid", "eastron_sdm630", line, interval=0.2)) as latest:
        heard = await until(latest, "grid", lambda heard: heard.failure is not None)
        assert heard.failure == f"127.0.0.1:{port} cannot be reached"
        for _ in range(2):
            async with on_tcp(sdm(), port=port):
                await until(latest, "grid", has_reading)
            await until(latest, "grid", lambda heard: heard.failure is not None)


async def test_a_server_that_accepts_and_says_nothing_delays_nobody_on_other_lines() -> None:
    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    silent = await asyncio.start_server(swallow, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    async with silent, on_tcp(sdm()) as good:
        plans = (
            plan("silent", "eastron_sdm630", NetworkLine("127.0.0.1", port)),
            plan("good", "eastron_sdm630", NetworkLine("127.0.0.1", good), interval=0.1),
        )
        async with reading(*plans) as latest:
            await until(latest, "good", lambda _: latest.reads["good"] >= 15)
            await until(latest, "silent", lambda heard: heard.failure is not None)
            assert latest.errors["good"] == {}
