"""One reading of one meter: on Modbus with long or short requests, from one that talks, and from nobody."""

from __future__ import annotations

import asyncio

import pytest

from gateway.meters.catalog import MODELS
from gateway.meters.once import Unread, read_once
from gateway.meters.plans import MeterPlan, NetworkLine
from tests.fakes.modbus_meters import ServedMeter, float_words, on_tcp
from tests.unit.meters import telegrams


def plan(model: str, port: int, *, inverted: bool = False) -> MeterPlan:
    return MeterPlan("tried", MODELS[model], NetworkLine("127.0.0.1", port), inverted=inverted)


def served(volts: float = 230.0, **how: int) -> ServedMeter:
    registers = dict.fromkeys(range(80), 0)
    watts = (12, 1150.0), (14, 1386.0), (16, 1603.0), (0x34, 4139.0), (0x48, 1000.0)
    for address, value in ((0, volts), (2, 231.0), (4, 229.0), (6, 5.0), (8, 6.0), (10, 7.0), *watts):
        registers |= {address + offset: word for offset, word in float_words(value).items()}
    return ServedMeter(1, registers, **how)


async def test_a_modbus_meter_with_its_energy() -> None:
    async with on_tcp(served()) as port:
        values, plausible = await read_once(plan("eastron_sdm630", port))
        turned, _ = await read_once(plan("eastron_sdm630", port, inverted=True))
    assert plausible and values.amps == (5.0, 6.0, 7.0) and values.energy_import_wh == 1_000_000
    assert turned.watts[0] == -1150.0


async def test_one_that_takes_short_requests_only() -> None:
    async with on_tcp(served(most=10)) as port:
        values, _ = await read_once(plan("eastron_sdm630", port))
    assert values.volts == (230.0, 231.0, 229.0)


async def test_values_that_are_none_of_the_mains() -> None:
    async with on_tcp(served(volts=3.5)) as port:
        _, plausible = await read_once(plan("eastron_sdm630", port))
    assert not plausible


async def test_another_model_and_no_sunspec() -> None:
    async with on_tcp(served()) as port:
        with pytest.raises(Unread, match="the meter refuses"):
            await read_once(plan("sunspec", port))


async def test_one_that_talks_after_some_noise(unused_tcp_port: int) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        good = telegrams.p1(*telegrams.DSMR5)
        spoilt = good.replace(b"230", b"231", 1) if b"230" in good else good[:-3] + b"0\r\n"
        writer.write(good[40:] + spoilt + good)
        await reader.read()
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        values, plausible = await read_once(plan("dsmr_p1", server.sockets[0].getsockname()[1]))
    assert plausible and values.amps[0] is not None
    with pytest.raises(Unread, match="cannot be reached"):
        await read_once(plan("dsmr_p1", unused_tcp_port))
