"""The background from a meter: attack, release, grades of age, readings that cannot be true."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.model.circuits import NO_AMPS
from gateway.model.load_memory import CircuitMemory
from gateway.model.site_picture import MeterReading
from gateway.rules.background_load import Background, judge_background
from tests.unit.rules.load_pictures import MAIN, METERED, reading

WORST = (30.0, 30.0, 30.0)


def judged(
    seen: MeterReading | None,
    memory: CircuitMemory,
    at: float,
    cars: tuple[float, float] = (0.0, 0.0),
) -> Background:
    """Cars draw between these amperes on each phase."""
    bounds = ([cars[0]] * 3, [cars[1]] * 3)
    return judge_background(METERED, seen, memory, cars=bounds, worst=WORST, at=at)


def test_without_a_meter_the_configured_worst_counts() -> None:
    found = judge_background(MAIN, None, CircuitMemory(), cars=([0.0] * 3, [0.0] * 3), worst=WORST, at=0.0)
    assert (found.amps, found.mode) == (WORST, "normal")


def test_it_rises_within_the_mean_and_falls_after_half_a_minute() -> None:
    memory = CircuitMemory()
    for second in range(40):
        memory = judged(reading(10.0), memory, float(second)).memory
    risen = [(found := judged(reading(18.0), memory, 40.0 + n), memory := found.memory)[0].amps[0] for n in range(4)]
    assert risen == [12.0, 14.0, 16.0, 18.0]
    for second in range(29):
        found = judged(reading(4.0), memory, 44.0 + second)
        memory = found.memory
        assert found.amps[0] >= 16.0
    for second in range(6):
        found = judged(reading(4.0), memory, 73.0 + second)
        memory = found.memory
    assert found.amps[0] == 4.0


def test_above_the_limit_there_is_no_mean() -> None:
    memory = judged(reading(10.0), CircuitMemory(), 0.0).memory
    assert judged(reading(70.0), memory, 1.0).amps[0] == 70.0


def test_what_cars_may_have_begun_to_draw_is_not_taken_for_background() -> None:
    memory = judged(reading(10.0), CircuitMemory(), 0.0).memory
    assert judged(reading(26.0), memory, 9.0, (0.0, 16.0)).amps[0] == 10.0
    assert judged(reading(36.0), memory, 9.0, (0.0, 16.0)).amps[0] == 20.0


def test_an_overload_that_lasts_is_taken_for_background() -> None:
    memory = replace(judged(reading(10.0), CircuitMemory(), 0.0).memory, over_since=(0.0, None, None))
    found = judged(reading(64.0, 60.0, 60.0), memory, 8.0, (40.0, 60.0))
    assert (found.amps[0], found.amps[1]) == (24.0, 10.0)


def test_feeding_out_makes_no_room() -> None:
    assert judged(reading(-20.0), CircuitMemory(), 0.0).amps == NO_AMPS


def test_an_old_reading_is_held_with_a_surcharge_and_then_bounded_by_the_worst_case() -> None:
    memory = judged(reading(10.0), CircuitMemory(), 0.0).memory
    held = judged(reading(10.0, age=7.0), memory, 6.0)
    assert (held.amps[0], held.mode) == (15.0, "hold")
    bound = judged(reading(10.0, age=40.0), held.memory, 40.0)
    assert (bound.amps[0], bound.mode) == (30.0, "bound")


def test_the_worst_case_is_never_less_than_what_was_seen() -> None:
    memory = judged(reading(40.0), CircuitMemory(), 0.0).memory
    assert judged(None, memory, 40.0).amps[0] == 40.0


@pytest.mark.parametrize(
    "nonsense",
    [
        None,
        reading(10.0, trust="suspect"),
        reading(10.0, None, 10.0),
        reading(10.0, float("nan"), 10.0),
        reading(10.0, 127.0, 10.0),
    ],
)
def test_a_reading_that_cannot_be_true_counts_as_missing(nonsense: MeterReading | None) -> None:
    assert judged(nonsense, CircuitMemory(), 0.0).mode == "bound"
    memory = judged(reading(10.0), CircuitMemory(), 0.0).memory
    assert judged(nonsense, memory, 6.0).mode == "hold"
