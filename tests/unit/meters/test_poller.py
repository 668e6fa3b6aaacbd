"""Timetables of a line in virtual time: no drift, nobody waits for a silent one, lines break and come back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from gateway.meters.catalog import MODELS
from gateway.meters.latest import Latest
from gateway.meters.plans import MeterPlan, SerialLine
from gateway.meters.poller import RESET_SECONDS, poll
from gateway.model.instants import Instant
from tests.fakes.meter_line import FakeLine, FakeMeter
from tests.fakes.virtual_time import World, run_virtual
from tests.unit.meters.register_dumps import named

NOW = datetime(2027, 1, 15, 8, 0, tzinfo=UTC)
SDM630, EM340 = named("eastron_sdm630"), named("carlo_gavazzi_em340")
PLACE = SerialLine("/dev/fake", 9600)


@dataclass
class Scene:
    """A line that is polled, and what was read from it."""

    line: FakeLine
    latest: Latest
    world: World

    def age(self, name: str) -> float:
        reading = self.latest.of(name).reading
        assert reading is not None, self.latest.of(name).failure
        return self.world.clock.seconds - reading.loop_seconds


def sdm(**habits: object) -> FakeMeter:
    return FakeMeter(SDM630.registers, **habits)  # type: ignore[arg-type]


def plan(
    name: str, unit: int, *, model: str = "eastron_sdm630", interval: float = 1.0, inverted: bool = False
) -> MeterPlan:
    return MeterPlan(name, MODELS[model], PLACE, unit=unit, interval_seconds=interval, inverted=inverted)


def play(line: FakeLine, plans: Sequence[MeterPlan], act: Callable[[Scene], Awaitable[None]]) -> Scene:
    """Poll these meters while `act` runs."""

    async def main(world: World) -> Scene:
        scene = Scene(line, Latest(), world)
        polling = asyncio.create_task(
            poll(plans, scene.latest, open_line=line.open, wall_clock=lambda: Instant(world.clock.micros()))
        )
        await act(scene)
        assert not polling.done()
        polling.cancel()
        return scene

    return run_virtual(main, start=NOW)


def waiting(seconds: float) -> Callable[[Scene], Awaitable[None]]:
    async def act(scene: Scene) -> None:
        await asyncio.sleep(seconds)

    return act


def test_readings_come_each_second_without_drift_and_energy_each_minute() -> None:
    scene = play(FakeLine({1: sdm()}), [plan("grid", 1)], waiting(600.5))
    times = scene.line.times_of(1, 0)
    assert len(times) == 601
    assert all(time == pytest.approx(second, abs=1e-6) for second, time in enumerate(times))
    energy = scene.line.times_of(1, 0x48)
    assert [round(time) for time in energy] == list(range(0, 601, 60))
    reading = scene.latest.of("grid").reading
    assert reading is not None and reading.measured.energy_import_wh == 12_345_500
    assert reading.read_at == Instant(int(NOW.timestamp() * 1_000_000) + round(reading.loop_seconds * 1e6))


def test_a_meter_that_is_slower_than_its_timetable_misses_turns_and_catches_up_none() -> None:
    scene = play(FakeLine({1: sdm(answer_seconds=1.4)}), [plan("grid", 1)], waiting(60))
    times = scene.line.times_of(1, 0)
    assert all(later - earlier == pytest.approx(2) for earlier, later in pairwise(times[2:]))


def test_meters_of_different_models_share_a_line_one_question_at_a_time() -> None:
    line = FakeLine({1: sdm(), 2: FakeMeter(EM340.registers)})
    scene = play(line, [plan("a", 1), plan("b", 2, model="carlo_gavazzi_em340", interval=5)], waiting(60.5))
    assert len(line.times_of(1, 0)) == 61 and len(line.times_of(2, 0)) == 13
    for name in ("a", "b"):
        reading = scene.latest.of(name).reading
        assert reading is not None and reading.measured.amps == pytest.approx((10.5, -8.25, 0.75))


def test_an_overloaded_line_serves_its_meters_in_turn() -> None:
    line = FakeLine({unit: sdm(answer_seconds=0.4) for unit in range(1, 6)})
    scene = play(line, [plan(str(unit), unit) for unit in range(1, 6)], waiting(120))
    counts = [scene.latest.reads[str(unit)] for unit in range(1, 6)]
    assert max(counts) - min(counts) <= 2 and min(counts) >= 50
    assert all(scene.age(str(unit)) < 3 for unit in range(1, 6))


def test_a_silent_meter_costs_the_others_little() -> None:
    line = FakeLine({1: sdm()})
    scene = play(line, [plan("dead", 9), plan("grid", 1)], waiting(300))
    assert scene.latest.reads["grid"] >= 290
    assert len(line.times_of(9)) < 30
    assert scene.latest.of("dead").reading is None
    assert "unit 9 does not answer" in (scene.latest.of("dead").failure or "")
    assert scene.latest.errors["dead"]["silent"] == len(line.times_of(9))
    assert line.openings == 1


def test_a_meter_that_comes_back_is_read_again_within_a_quarter_minute() -> None:
    line = FakeLine({1: sdm(), 2: sdm()})

    async def act(scene: Scene) -> None:
        await asyncio.sleep(10)
        line.meters[2].silent = True
        await asyncio.sleep(200)
        assert scene.age("b") > 190
        line.meters[2].silent = False
        await asyncio.sleep(16)
        assert scene.age("b") <= 1.2 and scene.latest.of("b").failure is None

    play(line, [plan("a", 1), plan("b", 2)], act)


def test_one_lost_answer_is_asked_for_again_at_once() -> None:
    line = FakeLine({1: sdm()})

    async def act(scene: Scene) -> None:
        await asyncio.sleep(10.5)
        line.meters[1].silent = True
        await asyncio.sleep(0.6)
        line.meters[1].silent = False
        await asyncio.sleep(0.6)
        assert scene.age("grid") < 0.3
        await asyncio.sleep(20)
        assert all(time % 1 == pytest.approx(0, abs=1e-6) for time in line.times_of(1, 0)[-15:])

    scene = play(line, [plan("grid", 1)], act)
    assert scene.latest.errors["grid"] == {"silent": 1}


def test_a_line_on_which_nobody_answers_is_opened_again_and_recovers_soon() -> None:
    line = FakeLine({1: sdm()})

    async def act(scene: Scene) -> None:
        await asyncio.sleep(10)
        line.meters[1].silent = True
        await asyncio.sleep(2 * RESET_SECONDS + 10)
        assert line.openings >= 2
        line.meters[1].silent = False
        await asyncio.sleep(4)
        assert scene.age("grid") <= 1.2

    play(line, [plan("grid", 1)], act)


def test_a_device_that_is_not_there_is_told_and_read_when_it_comes() -> None:
    line = FakeLine({1: sdm()}, missing=True)

    async def act(scene: Scene) -> None:
        await asyncio.sleep(1000)
        assert scene.latest.of("grid").failure == "/dev/fake is not there"
        assert 30 < scene.latest.errors["grid"]["line"] < 50
        line.missing = False
        await asyncio.sleep(31)
        assert scene.age("grid") <= 1.2 and scene.latest.of("grid").failure is None

    play(line, [plan("grid", 1)], act)


def test_a_device_that_is_pulled_out_comes_back() -> None:
    line = FakeLine({1: sdm()})

    async def act(scene: Scene) -> None:
        await asyncio.sleep(10.2)
        line.is_open, line.missing = False, True
        await asyncio.sleep(10)
        assert scene.latest.of("grid").failure == "/dev/fake is not there"
        line.missing = False
        await asyncio.sleep(17)
        assert scene.age("grid") <= 1.2

    play(line, [plan("grid", 1)], act)


def test_a_busy_meter_is_asked_as_usual_and_the_line_stays_open() -> None:
    line = FakeLine({1: sdm(busy=True)})
    scene = play(line, [plan("grid", 1)], waiting(120))
    assert line.openings == 1 and len(line.times_of(1)) == 120
    assert scene.latest.of("grid").failure == "the meter refuses: busy (exception 6)"
    assert scene.latest.errors["grid"] == {"refused": 120}


@pytest.mark.parametrize("refusal", [2, 3, None])
def test_a_meter_that_answers_ten_registers_only_is_asked_for_ten(refusal: int | None) -> None:
    line = FakeLine({1: sdm(most=10, refusal=refusal)})
    scene = play(line, [plan("grid", 1)], waiting(10))
    reading = scene.latest.of("grid").reading
    assert reading is not None and reading.measured.watts == (2400, -1800, 170)
    assert [count for _, _, _, count in line.asked][:1] == [18]
    assert max(count for _, _, _, count in line.asked[1:]) <= 10


def test_a_meter_of_another_model_is_told_what_it_says() -> None:
    line = FakeLine({1: FakeMeter(EM340.registers, function=3)})
    scene = play(line, [plan("grid", 1)], waiting(20))
    assert scene.latest.of("grid").failure == "the meter refuses: illegal function (exception 1)"


def test_energy_registers_that_are_refused_do_not_harm_the_currents() -> None:
    without_energy = {address: word for address, word in SDM630.registers.items() if address < 0x48}
    scene = play(FakeLine({1: FakeMeter(without_energy)}), [plan("grid", 1)], waiting(61.5))
    reading = scene.latest.of("grid").reading
    assert reading is not None and reading.measured.energy_import_wh is None
    assert scene.age("grid") < 1.2 and scene.latest.errors["grid"] == {"refused": 2}


def test_an_inverted_meter_is_seen_from_the_other_side() -> None:
    scene = play(FakeLine({1: sdm()}), [plan("grid", 1, inverted=True)], waiting(2))
    reading = scene.latest.of("grid").reading
    assert reading is not None
    assert reading.measured.amps == pytest.approx((-10.5, 8.25, -0.75)) and reading.measured.total_watts == -770
    assert (reading.measured.energy_import_wh, reading.measured.energy_export_wh) == (234_500, 12_345_500)


def test_a_sunspec_meter_that_starts_late_is_looked_for_again() -> None:
    dump = named("sunspec_213_at_50000")
    line = FakeLine({1: FakeMeter({}, dump.function)})

    async def act(scene: Scene) -> None:
        await asyncio.sleep(60)
        assert scene.latest.of("pv").failure == "the meter refuses: illegal address (exception 2)"
        line.meters[1].registers = dump.registers
        await asyncio.sleep(10)
        assert scene.age("pv") <= 1.5

    play(line, [plan("pv", 1, model="sunspec")], act)
    assert all(second != first for first, second in pairwise(line.times_of(1)))


def test_a_sunspec_meter_whose_models_have_moved_is_found_again() -> None:
    before, after = named("sunspec_213_at_50000"), named("sunspec_203_at_40000")
    line = FakeLine({1: FakeMeter(before.registers, before.function)})

    async def act(scene: Scene) -> None:
        await asyncio.sleep(10)
        line.meters[1].registers = after.registers
        await asyncio.sleep(6)
        assert scene.age("pv") <= 1.5

    play(line, [plan("pv", 1, model="sunspec")], act)


def test_a_meter_that_is_alone_on_its_line_is_asked_often_while_it_is_silent() -> None:
    line = FakeLine({1: sdm()})

    async def act(scene: Scene) -> None:
        await asyncio.sleep(10)
        line.meters[1].silent = True
        await asyncio.sleep(18.5)
        line.meters[1].silent = False
        await asyncio.sleep(2.2)
        assert scene.age("grid") <= 2.2 and line.openings == 1

    play(line, [plan("grid", 1)], act)
