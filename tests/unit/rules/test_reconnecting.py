"""When to try the broker again: windows that grow, full jitter, slow where only people can help."""

from __future__ import annotations

import pytest

from gateway.rules.reconnecting import (
    OUTAGE_SECONDS,
    SLOW_SECONDS,
    STABLE_SECONDS,
    Reconnecting,
    at_start,
    waiting_seconds,
    when_linked,
    when_lost,
    when_not_linked,
)

NEARLY_ONE = 0.999


def wait(state: Reconnecting, now: float = 0.0, share: float = 1.0, most: float = 300.0, jitter: float = 0.0) -> float:
    """The whole window, unless another share of it is drawn."""
    return waiting_seconds(state, now, share, most_seconds=most, start_jitter_seconds=jitter)


def failed(state: Reconnecting, times: int = 1) -> Reconnecting:
    """After so many tries at an unreachable broker."""
    for _ in range(times):
        state = when_not_linked(state, bad_credentials=False)
    return state


def linked(now: float = 0.0) -> Reconnecting:
    """A link for the first time."""
    return when_linked(at_start(now, linked_before=False), now)


def test_the_first_try_after_installation_waits_for_nothing() -> None:
    assert wait(at_start(0.0, linked_before=False), share=NEARLY_ONE, jitter=300.0) == 0.0


def test_the_first_try_of_a_later_life_is_spread_over_the_start_jitter() -> None:
    state = at_start(0.0, linked_before=True)
    assert [wait(state, share=share, jitter=300.0) for share in (0.0, 0.5, NEARLY_ONE)] == [
        0.0,
        150.0,
        300 * NEARLY_ONE,
    ]
    assert wait(state, share=NEARLY_ONE, jitter=0.0) == 0.0


def test_the_window_doubles_up_to_the_most() -> None:
    state = at_start(0.0, linked_before=False)
    assert [wait(failed(state, times)) for times in range(1, 12)] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    assert wait(failed(state, 5), most=10.0) == 10.0
    assert wait(failed(state, 5000)) == 300.0


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, NEARLY_ONE])
def test_full_jitter_draws_from_the_whole_window(share: float) -> None:
    assert wait(failed(at_start(0.0, linked_before=False), 5), share=share) == 16 * share


def test_only_a_stable_link_makes_the_window_small_again() -> None:
    tried = failed(at_start(0.0, linked_before=False), 6)
    brief = when_lost(when_linked(tried, 100.0), 100.0 + STABLE_SECONDS - 1, taken_over=False)
    stable = when_lost(when_linked(tried, 100.0), 100.0 + STABLE_SECONDS, taken_over=False)
    assert wait(brief, brief.alone_since) == 64.0
    assert wait(stable, stable.alone_since) == 1.0


def test_a_link_that_breaks_at_once_again_and_again_is_tried_ever_more_rarely() -> None:
    state, waits = linked(), []
    for _ in range(8):
        state = when_lost(when_linked(state, 0.0), 5.0, taken_over=False)
        waits.append(wait(state, 5.0))
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128]


def test_a_short_loss_is_not_spread() -> None:
    state = failed(when_lost(linked(), 100.0, taken_over=False))
    assert wait(state, 100.0 + OUTAGE_SECONDS - 1, jitter=300.0) == 2.0


def test_after_an_outage_each_try_is_spread_over_the_start_jitter() -> None:
    state = failed(when_lost(linked(), 100.0, taken_over=False), 3)
    assert wait(state, 100.0 + OUTAGE_SECONDS, jitter=300.0) == 300.0
    assert wait(state, 100.0 + OUTAGE_SECONDS, jitter=2.0) == 8.0


def test_an_installer_who_has_no_link_yet_does_not_wait_for_the_start_jitter() -> None:
    assert wait(failed(at_start(0.0, linked_before=False), 3), now=1000.0, jitter=300.0) == 4.0


def test_bad_credentials_are_tried_every_five_minutes() -> None:
    state = when_not_linked(linked(), bad_credentials=True)
    assert [wait(state, share=share) for share in (0.0, 0.5, 1.0)] == pytest.approx([240, SLOW_SECONDS, 360])


def test_an_unreachable_broker_after_bad_credentials_is_tried_at_the_usual_pace() -> None:
    state = failed(when_not_linked(at_start(0.0, linked_before=False), bad_credentials=True))
    assert wait(state) == 2.0


def test_an_accepted_login_ends_the_slow_pace() -> None:
    state = when_linked(when_not_linked(linked(), bad_credentials=True), 10.0)
    assert wait(when_lost(state, 20.0, taken_over=False), 20.0) < SLOW_SECONDS


def test_who_was_taken_over_comes_back_slowly_and_says_so() -> None:
    state = when_lost(linked(), 1000.0, taken_over=True)
    assert state.taken_over
    assert wait(state, 1000.0, share=0.5) == pytest.approx(SLOW_SECONDS)


def test_two_with_one_name_stay_slow_until_a_link_is_stable() -> None:
    state = when_linked(failed(when_lost(linked(), 1000.0, taken_over=True)), 1300.0)
    assert state.taken_over
    assert when_lost(state, 1310.0, taken_over=False).taken_over
    assert not when_lost(state, 1300.0 + STABLE_SECONDS, taken_over=False).taken_over


def test_link_after_link_that_breaks_soon_is_told() -> None:
    state = linked()
    told = []
    for _ in range(6):
        state = when_lost(when_linked(failed(state), 10.0), 15.0, taken_over=False)
        told.append(state.keeps_breaking)
    assert told == [False, False, False, False, True, True]
    assert not when_lost(when_linked(state, 20.0), 20.0 + STABLE_SECONDS, taken_over=False).keeps_breaking
