"""A station's clock is told from messages that come late."""

from __future__ import annotations

from gateway.model.instants import SECOND, Instant
from gateway.rules.station_clocks import StationClock, clock_after, ours_was_set

NOON = 1_700_000_000


def at(seconds: float) -> Instant:
    return Instant(round((NOON + seconds) * SECOND))


def after(*messages: tuple[float, float], known: StationClock | None = None) -> int:
    """Seconds ahead after messages of (its time, our time)."""
    known = known or StationClock()
    for told, came in messages:
        known = clock_after(known, at(told), at(came))
    return known.ahead_ms // 1000


def test_a_small_difference_is_none() -> None:
    assert after((-4, 0), (13, 10)) == 0


def test_ahead_is_believed_at_once() -> None:
    assert after((90, 0)) == 90


def test_one_late_message_is_no_slow_clock() -> None:
    assert after((-7200, 0)) == 0
    assert after((90, 0), (-7200, 10)) == 90


def test_a_queue_that_is_emptied_is_no_slow_clock() -> None:
    queue = [(-7200 + 10.0 * number, 0.5 * number) for number in range(700)]
    assert after(*queue) == 0


def test_two_messages_that_are_as_late_as_each_other_are_a_slow_clock() -> None:
    assert after((-300, 0), (-290, 10)) == -300
    assert after((90, 0), (-300, 100), (-290, 110.5)) == -401


def test_two_at_once_say_nothing() -> None:
    assert after((-300, 0), (-299, 1)) == 0


def test_what_was_slow_and_was_set_right_is_right_at_once() -> None:
    assert after((-300, 0), (-290, 10), (20, 20)) == 0


def test_when_our_clock_is_set_theirs_stay() -> None:
    known = ours_was_set(StationClock(2000, at(0), at(0)), 3600.0)
    assert known.ahead_ms == -3_598_000
    assert after((-3598 + 3610, 3610), known=known) == -3598
