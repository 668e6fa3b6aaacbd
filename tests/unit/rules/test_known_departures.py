"""What follows when somebody said until when a car stays and how much it shall get."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.model.load_decision import Decision
from gateway.model.site_picture import ConnectorFacts, SessionFacts
from gateway.rules.known_departures import UNKNOWN, Need, need_of
from tests.unit.rules.load_pictures import MAIN, charging, decided, picture

HOUR = 3600.0


def need(departure: float | None, wanted: float | None, got: float = 0.0) -> Need:
    """Of a car on one line of 230 V that can take 16 A."""
    return need_of(departure_in_seconds=departure, wanted_wh=wanted, got_wh=got, most_amps=16.0, volts=230.0)


@pytest.mark.parametrize(
    ("departure", "wanted"), [(None, None), (HOUR, None), (None, 100.0), (0.0, 100.0), (-1.0, 5.0)]
)
def test_half_a_word_or_one_whose_time_has_passed_says_nothing(departure: float | None, wanted: float | None) -> None:
    assert need(departure, wanted) is UNKNOWN


def test_a_car_with_time_comes_behind_the_unknown_and_one_without_before_them() -> None:
    assert need(4 * HOUR, 4 * 230 * 8.0) == Need((1.0, 4 * HOUR), 8.0, 1.0)
    assert need(4 * HOUR, 4 * 230 * 14.0) == Need((-1.0, 4 * HOUR), 14.0, 1.75)
    assert need(2 * HOUR, 230 * 15.99).order[0] == 1.0  # an hour and a moment to spare
    assert need(2 * HOUR, 230 * 16.01).order[0] == -1.0


def test_nobody_needs_more_than_it_can_take_and_factors_are_bounded() -> None:
    assert need(HOUR, 99000.0) == Need((-1.0, HOUR), 16.0, 4.0)
    assert need(HOUR, 500.0, got=600.0) == Need((1.0, HOUR), 0.0, 0.25)


def told(connector: int, amps: float, hours: float | None, wanted: float | None) -> ConnectorFacts:
    """A charging car on three lines, of which that much is known."""
    departure = None if hours is None else hours * HOUR
    return charging(connector, amps, session=SessionFacts("one", 5000.0, 1000.0, departure, wanted))


def planned(decision: Decision) -> list[float]:
    """By connector."""
    return [each.planned_amps for each in decision.connectors]


def test_who_leaves_first_is_let_in_with_what_it_needs() -> None:
    """12 A for two hours are 16.6 kWh; the other has all day and needs half the current: half of what is left."""
    facts = told(1, 8.0, 2.0, 1000.0 + 2 * 690 * 12.0), told(2, 8.0, 10.0, 1000.0 + 10 * 690 * 6.0)
    assert planned(decided(picture(*facts, circuits=(replace(MAIN, limit_amps=(20.0,) * 3),)))) == [13.0, 6.5]


def test_who_cannot_get_all_it_needs_gets_what_is_left() -> None:
    facts = told(1, 8.0, 1.0, 1000.0 + 690 * 14.0), told(2, 8.0, 2.0, 1000.0 + 2 * 690 * 14.0)
    assert planned(decided(picture(*facts, circuits=(replace(MAIN, limit_amps=(21.0,) * 3),)))) == [14.0, 6.5]


def test_a_car_with_time_waits_for_one_of_which_nothing_is_known_and_a_pressed_one_does_not() -> None:
    small = (replace(MAIN, limit_amps=(11.0,) * 3),)
    unknown = charging(2, 6.0, session=SessionFacts("one", 5000.0, 9000.0))
    calm, pressed = told(1, 6.0, 9.0, 5000.0), told(1, 6.0, 0.5, 5000.0)
    assert planned(decided(picture(calm, unknown, circuits=small))) == [0.0, 10.5]
    assert planned(decided(picture(pressed, unknown, circuits=small))) == [10.5, 0.0]
    assert planned(decided(picture(charging(1, 6.0), unknown, circuits=small))) == [10.5, 0.0]


def test_what_people_asked_for_bounds_what_it_needs() -> None:
    facts = replace(told(1, 8.0, 1.0, 1000.0 + 690 * 14.0), asked_amps=9.0)
    assert planned(decided(picture(facts))) == [9.0]
