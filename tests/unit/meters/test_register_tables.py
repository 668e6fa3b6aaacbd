"""Every model reads its recorded registers as what they mean, whatever way the poller fetches them."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.meters.catalog import MODELS, find_model, key_of, similar_to
from gateway.meters.latest import Latest
from gateway.meters.plans import MeterPlan, NetworkLine
from gateway.meters.poller import poll
from gateway.meters.registers import blocks_for, energy_values, fast_values
from gateway.model.instants import Instant
from tests.fakes.meter_line import FakeLine, FakeMeter
from tests.fakes.virtual_time import World, run_virtual
from tests.unit.meters.register_dumps import DUMPS, load

NOW = datetime(2027, 1, 15, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize("most", [125, 10])
@pytest.mark.parametrize("file", DUMPS, ids=lambda file: file.stem)
def test_every_dump_reads_as_what_it_means(file: Path, most: int) -> None:
    dump = load(file)
    line = FakeLine({7: FakeMeter(dump.registers, dump.function, most=most)})
    latest = Latest()
    plan = MeterPlan("grid", MODELS[dump.model], NetworkLine("h", 502), unit=7)

    async def scene(world: World) -> None:
        polling = asyncio.create_task(
            poll([plan], latest, open_line=line.open, wall_clock=lambda: Instant(world.clock.micros()))
        )
        await asyncio.sleep(5)
        polling.cancel()

    run_virtual(scene, start=NOW)
    reading = latest.of("grid").reading
    assert reading is not None, latest.of("grid").failure
    read = asdict(reading.measured)
    for name, expected in dump.expected.items():
        assert _is_same(read[name], expected), (name, read[name], expected)


def _is_same(read: object, expected: object) -> bool:
    if isinstance(read, tuple) and isinstance(expected, list):
        return all(_is_same(one, other) for one, other in zip(read, expected, strict=True))
    if read is None or expected is None:
        return read is expected
    return bool(read == pytest.approx(expected, rel=1e-6))


def test_every_modbus_model_has_a_dump() -> None:
    modbus = {key for key, model in MODELS.items() if not model.talks_by_itself}
    assert {load(file).model for file in DUMPS} == modbus


def test_there_are_the_seventeen_models_and_every_name_means_one() -> None:
    assert len(MODELS) == 17
    names = [name for key, model in MODELS.items() for name in (key, *model.aliases)]
    assert len({name.casefold() for name in names}) == len(names)
    for key, model in MODELS.items():
        assert (model.registers is not None) + (model.cut is not None) + (key == "sunspec") == 1
        for name in (key, *model.aliases):
            assert key_of(name) == key


def test_names_may_be_written_in_other_ways() -> None:
    assert key_of("Eastron SDM630") == key_of("EASTRON-SDM-630") == "eastron_sdm630"
    assert find_model("nothing of this kind") is None and key_of("") is None
    assert similar_to("eastron_sdm360") == "eastron_sdm630"
    assert similar_to("qqqqqqqqqqqq") is None


@pytest.mark.parametrize("key", [key for key, model in MODELS.items() if model.registers is not None])
def test_requests_are_no_longer_than_the_meter_takes_and_cut_no_value_in_two(key: str) -> None:
    table = MODELS[key].registers
    assert table is not None
    for values in (fast_values(table), energy_values(table)):
        for most, gap in ((table.max_registers, table.max_gap), (10, 0)):
            blocks = blocks_for(values, most=most, gap=gap)
            assert all(block.count <= most for block in blocks)
            for value in values:
                end = value.address + value.size
                inside = [one for one in blocks if one.address <= value.address and end <= one.address + one.count]
                assert len(inside) == 1


def test_the_fast_values_of_common_meters_cost_few_requests() -> None:
    requests = {
        key: len(blocks_for(fast_values(table), most=table.max_registers, gap=table.max_gap))
        for key, model in MODELS.items()
        if (table := model.registers) is not None
    }
    assert requests.pop("carlo_gavazzi_em24") == 3
    assert set(requests.values()) == {1}, requests


def test_the_siemens_pac1600_is_not_read_over_its_large_gap() -> None:
    table = MODELS["siemens_pac1600"].registers
    assert table is not None
    (block,) = blocks_for(fast_values(table), most=table.max_registers, gap=table.max_gap)
    assert (block.address, block.count) == (1, 24)
