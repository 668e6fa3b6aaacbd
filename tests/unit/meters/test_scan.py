"""Scanning: every model is found as what it is, at whatever speed and address; a line in use is told."""

from __future__ import annotations

import termios
import tomllib
from pathlib import Path

import pytest
from pymodbus.client import AsyncModbusSerialClient

from gateway.configuration import Configuration, Meter, RtuTransport, Site, TcpTransport
from gateway.meters.bus import LineDown
from gateway.meters.plans import NetworkLine, Place, SerialLine
from gateway.meters.scan import Found, fits, scan, settings_to_try
from gateway.model.meters import Measured
from gateway.operations.scan_meters import CannotScan, Wishes, find_meters
from tests.fakes.modbus_meters import ServedMeter, on_serial, on_tcp
from tests.fakes.pty_bridge import PtyBridge
from tests.unit.meters.register_dumps import DUMPS, Dump, load, named

pytestmark = pytest.mark.slow

FINDABLE = [dump for dump in map(load, DUMPS) if dump.model != "eastron_sdm72_v1"]


@pytest.mark.parametrize("dump", FINDABLE, ids=lambda dump: dump.name)
async def test_every_model_is_found_as_what_it_is(dump: Dump) -> None:
    async with on_tcp(ServedMeter(1, dump.registers, dump.function)) as port:
        found = [one async for one in scan([NetworkLine("127.0.0.1", port)], [1]) if isinstance(one, Found)]
    (one,) = found
    assert dump.model in one.models and len(one.models) <= 2, one.models
    assert one.measured is not None and one.measured.volts[0] == pytest.approx(230.5)


async def test_an_em24_is_told_apart_because_it_takes_eleven_registers_only() -> None:
    dump = named("carlo_gavazzi_em24")
    async with on_tcp(ServedMeter(1, dump.registers, most=11)) as port:
        found = [one async for one in scan([NetworkLine("127.0.0.1", port)], [1]) if isinstance(one, Found)]
    assert found[0].models == ("carlo_gavazzi_em24",)


async def test_a_serial_line_is_scanned_until_somebody_answers(tmp_path: Path) -> None:
    begun: list[Place] = []
    found: list[Found] = []
    dump = named("carlo_gavazzi_em340")
    with PtyBridge(tmp_path) as bridge:
        bridge.deaf_units = {1, 2, 4}
        places = settings_to_try(str(bridge.line), (9600, 19_200), ("N",))
        async with on_serial(bridge.meter_side, ServedMeter(3, dump.registers)):
            async for one in scan(places, range(1, 5)):
                if isinstance(one, Found):
                    found.append(one)
                else:
                    begun.append(one)
    assert begun == [SerialLine(str(bridge.line), 9600, "N")]
    assert [(one.unit, one.models[0]) for one in found] == [(3, "carlo_gavazzi_em340")]


async def test_a_setting_that_the_device_refuses_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = AsyncModbusSerialClient.connect

    async def without_parity(client: AsyncModbusSerialClient) -> bool:
        if client.comm_params.parity == "E":
            raise termios.error(22, "Invalid argument")
        return await connect(client)

    monkeypatch.setattr(AsyncModbusSerialClient, "connect", without_parity)
    with PtyBridge(tmp_path) as bridge:
        bridge.muted = True
        places = settings_to_try(str(bridge.line), (9600, 19_200))
        assert [one async for one in scan(places, [1])] == places
        with pytest.raises(LineDown):
            assert [one async for one in scan(places[1:], [1])]


async def test_the_table_to_paste_is_read_by_the_gateway(tmp_path: Path) -> None:
    told: list[str] = []
    with PtyBridge(tmp_path) as bridge:
        async with on_serial(bridge.meter_side, ServedMeter(7, named("eastron_sdm630").registers)):
            wishes = Wishes(units=[7], device=str(bridge.line), baudrate="9600", parity="N")
            (one,) = await find_meters(wishes, in_use_by=None, progress=told.append)
    (table,) = tomllib.loads(str(one["toml"]))["meter"]
    assert table["model"] == "eastron_sdm630"
    assert table["transport"] == {
        "type": "rtu", "device": str(bridge.line), "baudrate": 9600, "parity": "N", "unit": 7,
    }  # fmt: skip
    assert told == [f"looking on {bridge.line} at 9600 baud, 8N1"]


async def test_what_fits_no_model_is_told_all_the_same() -> None:
    async with on_tcp(ServedMeter(1, dict.fromkeys(range(50), 7)), rtu_frames=True) as port:
        wishes = Wishes(units=[1], host="127.0.0.1", port=port, rtu_frames=True)
        (one,) = await find_meters(wishes, in_use_by=None, progress=lambda words: None)
    assert (one["models"], one["toml"], one["volts"]) == ([], None, None)


def configured(transport: RtuTransport | TcpTransport) -> Configuration:
    return Configuration(site=Site(id="s"), meters=(Meter("grid", "eastron_sdm630", transport),))


@pytest.mark.parametrize(
    ("wishes", "words"),
    [
        (Wishes([1], device="{dir}/other-name"), "other-name is in use by the running gateway (meter grid)"),
        (Wishes([1], device="{dir}/nothing"), "nothing is not there"),
        (Wishes([1], device="{dir}/nothing", baudrate="fast"), "--baudrate: expected a number from 300 to 921600"),
    ],
)
async def test_why_a_line_cannot_be_scanned(tmp_path: Path, wishes: Wishes, words: str) -> None:
    (tmp_path / "tty").touch()
    (tmp_path / "other-name").symlink_to(tmp_path / "tty")
    configuration = configured(RtuTransport(tmp_path / "tty"))
    here = Wishes([1], device=str(wishes.device).format(dir=tmp_path), baudrate=wishes.baudrate)
    with pytest.raises(CannotScan) as told:
        await find_meters(here, in_use_by=configuration, progress=lambda words: None)
    assert words in str(told.value)


async def test_a_network_meter_of_the_running_gateway_is_left_alone() -> None:
    configuration = configured(TcpTransport("10.0.0.5"))
    with pytest.raises(CannotScan, match=r"10.0.0.5:502 is in use by the running gateway \(meter grid\)"):
        await find_meters(Wishes([1], host="10.0.0.5"), in_use_by=configuration, progress=lambda words: None)


@pytest.mark.parametrize(
    ("values", "fitting"),
    [
        (Measured((1.0, 0.0, 0.0), (230.0, 0.0, 0.0), (220.0, 0.0, 0.0)), True),
        (Measured((0.0, 0.0, 0.0), (230.0, 231.0, 229.0), (0.0, 0.0, 0.0)), True),
        (Measured((10.0, 0.0, 0.0), (120.0, 121.0, 119.0)), True),
        (Measured((10.0, 0.0, 0.0), (17_254.0, 0.0, 0.0)), False),
        (Measured((10.0, 0.0, 0.0), (230.0, 172.0, 0.0)), False),
        (Measured((None, 0.0, 0.0), (230.0, 230.0, 230.0)), False),
        (Measured((1.0, 0.0, 0.0), (230.0, 230.0, 230.0), (5000.0, 0.0, 0.0)), False),
        (Measured((50.0, 0.0, 0.0), (230.0, 230.0, 230.0), (0.0, 0.0, 0.0)), False),
        (Measured((9000.0, 0.0, 0.0), (230.0, 230.0, 230.0)), False),
    ],
)
def test_what_can_be_the_mains(values: Measured, fitting: bool) -> None:
    assert fits(values) is fitting
