"""Meters that talk by themselves: P1 and SML telegrams, whole, broken and half, from bytes and over a serial line."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.meters.catalog import MODELS
from gateway.meters.cutting import Garbled
from gateway.meters.models import dsmr_p1, sml
from gateway.meters.plans import MeterPlan, NetworkLine, SerialLine
from gateway.model.meters import UNKNOWN
from tests.fakes.pty_bridge import PtyBridge
from tests.unit.meters import telegrams
from tests.unit.meters.reading_for_real import reading, until

pytestmark = pytest.mark.slow

GOOD_P1 = telegrams.p1(*telegrams.DSMR5)


def test_a_p1_telegram() -> None:
    found = dsmr_p1.cut(GOOD_P1)
    assert found.measured is not None and found.rest == b""
    assert found.measured.volts == (230, 232, 229)
    assert found.measured.watts == pytest.approx((2300, -696, 926))
    assert found.measured.amps == pytest.approx((10, -3, 926 / 229))
    assert found.measured.total_watts == 2530
    assert found.measured.energy_import_wh == pytest.approx(10_000_323)
    assert found.measured.energy_export_wh == pytest.approx(120_750)


@pytest.mark.parametrize(
    ("lines", "amps"),
    [
        # DSMR 4: no voltage, whole amperes with the direction of the power
        (("1-0:31.7.0(003*A)", "1-0:22.7.0(00.700*kW)"), (-3, None, None)),
        # Belgium: hundredths of an ampere are better than P / U
        (("1-0:31.7.0(003.45*A)", "1-0:32.7.0(230.0*V)", "1-0:21.7.0(00.700*kW)"), (3.45, None, None)),
        # a bad power factor: at least 9.5 A flow when 10 A are told
        (("1-0:31.7.0(010*A)", "1-0:32.7.0(230.0*V)", "1-0:21.7.0(00.230*kW)"), (9.5, None, None)),
        # no current told at all
        (("1-0:32.7.0(230.0*V)", "1-0:21.7.0(02.300*kW)"), (10, None, None)),
        (("1-0:32.7.0(230.0*V)",), (None, None, None)),
        (("1-0:31.7.0(002*A)", "1-0:32.7.0(230.0*V)"), (2, None, None)),
        (("1-0:31.7.0(000*A)", "1-0:32.7.0(230.0*V)", "1-0:21.7.0(00.000*kW)"), (0, None, None)),
    ],
)
def test_currents_of_p1_meters(lines: tuple[str, ...], amps: tuple[float | None, ...]) -> None:
    found = dsmr_p1.cut(telegrams.p1(*lines))
    assert found.measured is not None and found.measured.amps == pytest.approx(amps)


def test_a_p1_meter_without_checksum_and_with_one_tariff() -> None:
    found = dsmr_p1.cut(telegrams.p1("1-0:1.8.0(000001.5*kWh)", "1-0:2.7.0(01.000*kW)", checksum=False))
    assert found.measured is not None
    assert (found.measured.energy_import_wh, found.measured.total_watts) == (1500, -1000)


def test_a_p1_telegram_with_a_wrong_checksum_is_dropped_and_the_next_one_read() -> None:
    with pytest.raises(Garbled, match="checksum") as wrong:
        dsmr_p1.cut(telegrams.p1(*telegrams.DSMR5, wrong=True) + GOOD_P1)
    assert dsmr_p1.cut(wrong.value.rest).measured is not None


def test_a_p1_telegram_arrives_in_pieces() -> None:
    buffer = b"rubbish from the middle of a telegram\r\n"
    for byte in GOOD_P1[:-1]:
        found = dsmr_p1.cut(buffer + bytes([byte]))
        assert found.measured is None
        buffer = found.rest
    assert dsmr_p1.cut(buffer + GOOD_P1[-1:]).measured is not None


def test_half_a_p1_telegram_before_a_whole_one() -> None:
    assert dsmr_p1.cut(GOOD_P1[:400] + b"\r\n" + GOOD_P1).measured == dsmr_p1.cut(GOOD_P1).measured
    begun = dsmr_p1.cut(GOOD_P1[:400] + b"\r\n" + GOOD_P1[:50])
    assert begun.measured is None and begun.rest == GOOD_P1[:50]


def test_endless_rubbish_is_not_kept() -> None:
    assert dsmr_p1.cut(b"/" + b"x" * 20_000).rest == b""
    assert dsmr_p1.cut(b"x" * 20_000).rest == b""
    assert len(sml.cut(b"\x00" * 20_000).rest) < 10
    assert sml.cut(telegrams.sml([])[:8] + b"\x00" * 20_000).rest == b""


def test_an_sml_telegram_of_a_household_meter_tells_no_currents() -> None:
    found = sml.cut(b"\x00\x00" + telegrams.sml(telegrams.HOUSEHOLD) + b"\x1b")
    assert found.measured is not None and found.rest == b"\x1b"
    assert found.measured.total_watts == -1350 and found.measured.amps == UNKNOWN
    assert (found.measured.energy_import_wh, found.measured.energy_export_wh) == (12_345_500, 234_500)


def test_an_sml_telegram_per_phase() -> None:
    found = sml.cut(telegrams.sml(telegrams.PER_PHASE))
    assert found.measured is not None
    assert found.measured.amps == pytest.approx((10.5, -8.25, 0.75))
    assert found.measured.volts == pytest.approx((230.5, 231.2, 229.7))
    assert found.measured.watts == pytest.approx((2400, -1800, 170)) and found.measured.total_watts == 770
    sum_only = sml.cut(telegrams.sml(telegrams.PER_PHASE[3:6])).measured
    assert sum_only is not None and sum_only.total_watts == pytest.approx(770)


def test_broken_and_half_sml_telegrams() -> None:
    good = telegrams.sml(telegrams.HOUSEHOLD)
    with pytest.raises(Garbled, match="broken") as wrong:
        sml.cut(telegrams.sml(telegrams.HOUSEHOLD, wrong=True) + good)
    assert sml.cut(wrong.value.rest).measured is not None
    buffer = b""
    for byte in good[:-1]:
        found = sml.cut(buffer + bytes([byte]))
        assert found.measured is None
        buffer = found.rest
    assert sml.cut(buffer + good[-1:]).measured is not None
    assert sml.cut(good[:60] + good).measured == sml.cut(good).measured
    begun = sml.cut(good[:60] + good[:50])
    assert begun.measured is None and begun.rest == good[:50]


async def _talk(bridge: PtyBridge, telegram: bytes) -> None:
    """As meters do: again and again, whether anybody listens or not."""
    while True:
        bridge.say(telegram)
        await asyncio.sleep(0.2)


@pytest.mark.parametrize("model", ["dsmr_p1", "sml"])
async def test_over_a_serial_line(tmp_path: Path, model: str) -> None:
    good, wrong = {
        "dsmr_p1": (GOOD_P1, telegrams.p1(*telegrams.DSMR5, wrong=True)),
        "sml": (telegrams.sml(telegrams.PER_PHASE), telegrams.sml(telegrams.PER_PHASE, wrong=True)),
    }[model]
    with PtyBridge(tmp_path, baudrate=115_200) as bridge:
        plan = MeterPlan("grid", MODELS[model], SerialLine(str(bridge.line), 115_200))
        async with reading(plan) as latest:
            talking = asyncio.create_task(_talk(bridge, good))
            heard = await until(latest, "grid", lambda heard: heard.reading is not None)
            assert heard.reading is not None and heard.reading.measured.energy_import_wh is not None
            talking.cancel()
            bridge.say(wrong)
            heard = await until(latest, "grid", lambda heard: heard.failure is not None)
            assert latest.errors["grid"] == {"garbled": 1} and "telegram" in (heard.failure or "")
            bridge.say(good[:100] if model == "sml" else good[:100] + b"\r\n")
            bridge.say(good)
            await until(latest, "grid", lambda heard: heard.failure is None)
            bridge.pull_out()
            await until(latest, "grid", lambda heard: "is not there" in (heard.failure or ""))


async def test_through_a_converter_in_the_network() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(GOOD_P1 + GOOD_P1)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    place = NetworkLine("127.0.0.1", server.sockets[0].getsockname()[1])
    async with server, reading(MeterPlan("grid", MODELS["dsmr_p1"], place, inverted=True)) as latest:
        heard = await until(latest, "grid", lambda heard: heard.reading is not None)
        assert heard.reading is not None and heard.reading.measured.total_watts == -2530
        heard = await until(latest, "grid", lambda heard: heard.failure is not None)
        assert heard.failure == f"{place} was closed by the other side"
    async with reading(MeterPlan("grid", MODELS["dsmr_p1"], place)) as latest:
        heard = await until(latest, "grid", lambda heard: heard.failure is not None)
        assert heard.failure == f"{place} cannot be reached"
