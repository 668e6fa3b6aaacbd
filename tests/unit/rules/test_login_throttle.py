"""Who must wait, in a time that is only a number."""

from __future__ import annotations

import pytest

from gateway.rules.login_throttle import (
    FORGOTTEN_AFTER_SECONDS,
    FREE_TRIES,
    FREE_TRIES_OF_NAME,
    LONGEST_WAIT_SECONDS,
    MOST_PAIRS,
    Failed,
    Pair,
    after_success,
    after_try,
    network_of,
    seconds_to_wait,
)

ANN = "ann"


def failing(tries: dict[Pair, Failed], pair: Pair, times: int, *, now: float = 0.0) -> dict[Pair, Failed]:
    for _ in range(times):
        tries = after_try(tries, pair, now=now)
    return tries


def test_some_tries_are_free_then_each_waits_twice_as_long() -> None:
    pair, tries = ("192.0.2.1", ANN), dict[Pair, Failed]()
    waits = []
    for _ in range(FREE_TRIES + 12):
        waits.append(seconds_to_wait(tries, pair, now=0))
        tries = after_try(tries, pair, now=0)
    assert waits == [0] * FREE_TRIES + [
        1,
        2,
        4,
        8,
        16,
        32,
        64,
        128,
        256,
        512,
        LONGEST_WAIT_SECONDS,
        LONGEST_WAIT_SECONDS,
    ]
    assert seconds_to_wait(failing({}, pair, 10_000), pair, now=0) == LONGEST_WAIT_SECONDS


def test_waiting_ends_with_time_and_all_is_forgotten_later() -> None:
    pair = ("192.0.2.1", ANN)
    tries = failing({}, pair, FREE_TRIES + 3)
    assert seconds_to_wait(tries, pair, now=5) == 3
    assert seconds_to_wait(tries, pair, now=8) == 0
    tries = failing({}, pair, 100)
    assert seconds_to_wait(tries, pair, now=LONGEST_WAIT_SECONDS - 1) == 1
    later = FORGOTTEN_AFTER_SECONDS
    assert seconds_to_wait(tries, pair, now=later) == 0
    assert after_try(tries, ("192.0.2.2", ANN), now=later) == {("192.0.2.2", ANN): Failed(1, later)}


def test_an_address_that_tries_many_names_waits() -> None:
    tries: dict[Pair, Failed] = {}
    for number in range(FREE_TRIES + 2):
        tries = after_try(tries, ("192.0.2.1", f"name {number}"), now=0)
    assert seconds_to_wait(tries, ("192.0.2.1", "another"), now=0) == 4
    assert seconds_to_wait(tries, ("192.0.2.2", "another"), now=0) == 0


def test_a_name_that_is_tried_from_everywhere_never_locks_out_an_address_that_did_not_fail() -> None:
    tries: dict[Pair, Failed] = {}
    for number in range(200):
        tries = after_try(tries, (f"198.51.100.{number}", ANN), now=0)
    assert seconds_to_wait(tries, ("192.0.2.1", ANN), now=0) == 0, "the real Ann comes in"
    assert seconds_to_wait(tries, ("198.51.100.1", ANN), now=0) == LONGEST_WAIT_SECONDS
    assert seconds_to_wait(tries, ("198.51.100.1", "bob"), now=0) == 0


def test_a_name_has_more_free_tries_than_an_address() -> None:
    tries: dict[Pair, Failed] = {}
    for number in range(FREE_TRIES_OF_NAME - 1):
        tries = after_try(tries, (f"198.51.100.{number}", ANN), now=0)
    assert seconds_to_wait(tries, ("198.51.100.1", ANN), now=0) == 0
    assert seconds_to_wait(after_try(tries, ("198.51.100.99", ANN), now=0), ("198.51.100.1", ANN), now=0) == 1


def test_success_forgives_only_the_own_failures() -> None:
    tries = failing(failing({}, ("192.0.2.1", ANN), 4), ("192.0.2.1", "bob"), 4)
    assert seconds_to_wait(tries, ("192.0.2.1", ANN), now=0) == 8
    tries = after_success(tries, ("192.0.2.1", "bob"))
    assert tries == {("192.0.2.1", ANN): Failed(4, 0)}
    assert after_success(tries, ("192.0.2.1", "nobody")) == tries


def test_what_is_remembered_is_bounded_and_the_newest_stay() -> None:
    tries: dict[Pair, Failed] = {}
    for number in range(MOST_PAIRS + 5):
        tries = after_try(tries, (f"address {number}", ANN), now=0)
    assert len(tries) == MOST_PAIRS
    assert ("address 4", ANN) not in tries and ("address 5", ANN) in tries


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("local", "local"),
    ],
)
def test_what_counts_as_one_address(address: str, network: str) -> None:
    assert network_of(address) == network
