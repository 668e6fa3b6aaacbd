"""The extremes of a minute, and the steps of a chart."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.model.instants import Instant
from gateway.model.load_decision import CircuitDecision
from gateway.rules.circuit_history import MINUTE, MOST_MINUTES, Extremes, Steps, steps_between, widened

NOTHING = (None, None, None)


def circuit(limit: float, measured: tuple[float | None, ...] | None, allotted: float) -> CircuitDecision:
    one = CircuitDecision(
        "main", None, (63.0,) * 3, (limit,) * 3, "dso", None, (0.0,) * 3, (allotted,) * 3, (0.0,) * 3, "normal", True
    )  # fmt: skip
    return replace(one, measured_amps=measured)  # type: ignore[arg-type]


def test_the_lowest_limit_and_the_highest_currents_are_kept() -> None:
    first = widened(None, circuit(32.0, (5.0, None, -2.5), 10.0))
    assert first == Extremes((32_000,) * 3, (5000, None, -2500), (10_000,) * 3)
    second = widened(first, circuit(20.0, (4.0, 7.0, None), 12.0))
    assert second == Extremes((20_000,) * 3, (5000, 7000, -2500), (12_000,) * 3)
    third = widened(second, circuit(40.0, (6.0, None, -1.0), 1.0))
    assert third == Extremes((20_000,) * 3, (6000, 7000, -1000), (12_000,) * 3)


def test_what_is_not_measured_is_nothing_and_takes_nothing_back() -> None:
    blind = widened(None, circuit(32.0, None, 1.0))
    assert blind.measured_ma == NOTHING
    seen = widened(blind, circuit(32.0, (1.0, 2.0, 3.0), 1.0))
    assert widened(seen, circuit(32.0, None, 1.0)).measured_ma == (1000, 2000, 3000)


@pytest.mark.parametrize(
    ("begin", "end", "points", "steps"),
    [
        (0, 1440, 1440, Steps(0, 1, 1440)),
        (0, 1440, 300, Steps(0, 5, 288)),
        (7, 1447, 288, Steps(6, 6, 241)),  # five minutes would begin at 5 and be one too many
        (10, 10, 300, Steps(10, 1, 0)),
        (11, 10, 300, Steps(11, 1, 0)),
        (3, 4, 300, Steps(3, 1, 1)),
    ],
)
def test_steps_are_whole_minutes_and_never_more_than_asked_for(begin: int, end: int, points: int, steps: Steps) -> None:
    assert steps_between(Instant(begin * MINUTE), Instant(end * MINUTE), points=points) == steps


def test_a_begun_minute_belongs_to_the_span_and_a_very_long_span_is_cut() -> None:
    assert steps_between(Instant(MINUTE - 1), Instant(MINUTE + 1), points=10) == Steps(0, 1, 2)
    cut = steps_between(Instant(0), Instant(2 * MOST_MINUTES * MINUTE), points=2000)
    assert cut.number <= 2000 and cut.first + cut.length * cut.number >= 2 * MOST_MINUTES
    assert cut.first >= MOST_MINUTES - cut.length
