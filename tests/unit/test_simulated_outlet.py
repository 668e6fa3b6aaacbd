"""A simulated car follows its limit after a while, as real ones do."""

from __future__ import annotations

import random
from datetime import UTC, datetime

from gateway.simulated_outlet import Meter, Outlet, Session


def charging() -> Outlet:
    outlet = Outlet(1, Meter(0.0, 0.0, (16.0, 16.0, 16.0)), random.Random(1), wanted_amps=(16.0, 16.0, 16.0))
    outlet.session = Session(1, "TAG", datetime(2027, 1, 15, tzinfo=UTC), 0)
    return outlet


def test_at_once_where_nothing_else_is_said() -> None:
    outlet = charging()
    assert outlet.draw(6.0, 0.0) is None
    assert outlet.meter.amps == (6.0, 6.0, 6.0)


def test_after_two_to_five_seconds() -> None:
    outlet = charging()
    wait = outlet.draw(6.0, 10.0, (2.0, 5.0))
    assert wait is not None and 2 <= wait <= 5
    assert outlet.draw(8.0, 10.0 + wait / 2, (2.0, 5.0)) is None  # told anew meanwhile
    assert outlet.meter.amps == (16.0, 16.0, 16.0)
    assert outlet.draw(8.0, 10.0 + wait, (2.0, 5.0)) is None
    assert outlet.meter.amps == (8.0, 8.0, 8.0)
    assert outlet.draw(8.0, 20.0, (2.0, 5.0)) is None


def test_the_end_of_a_session_ends_the_waiting() -> None:
    outlet = charging()
    assert outlet.draw(6.0, 10.0, (2.0, 5.0)) is not None
    outlet.session = None
    assert outlet.draw(6.0, 11.0, (2.0, 5.0)) is None
    assert outlet.follows_at is None
