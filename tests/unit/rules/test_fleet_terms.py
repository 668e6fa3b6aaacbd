"""Until when a fleet manager's command may begin, by which clock."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.model.fleet_commands import Command, Complaint, Moment, Term
from gateway.model.instants import Instant, seconds_later
from gateway.rules.fleet_terms import is_over, term_of
from tests.unit.store.opened_database import NOW

BOOT, OTHER = "0123abcd", "22222222"
MINUTE = seconds_later(NOW, 60)
ARRIVAL = Moment(NOW, usable=True, boot_id=BOOT, monotonic_ms=1000)
BY_TIME = Command("1", "ping", expires_at=MINUTE)
BY_TTL = Command("1", "ping", issued_at=seconds_later(NOW, -30), ttl_seconds=90)


def term(command: Command, *, interval: int | None = None, usable: bool = True) -> Term | Complaint:
    return term_of(command, interval_seconds=interval, moment=replace(ARRIVAL, usable=usable))


def noted(command: Command, *, interval: int | None = None, usable: bool = True) -> Term:
    found = term(command, interval=interval, usable=usable)
    assert isinstance(found, Term)
    return found


@pytest.mark.parametrize("command", [BY_TIME, BY_TTL])
def test_a_time_counts_while_the_clock_can_be_believed(command: Command) -> None:
    assert term(command) == Term(MINUTE, BOOT, 61_000, by_clock=True)
    refused = term(command, usable=False)
    assert isinstance(refused, Complaint) and refused.code == "clock_unsynced"


def test_the_message_s_own_interval_counts_whatever_the_clock_says() -> None:
    half = seconds_later(NOW, 30)
    assert term(BY_TIME, interval=30) == Term(half, BOOT, 31_000)
    assert term(BY_TIME, interval=30, usable=False) == Term(half, BOOT, 31_000, believable=False)
    assert noted(BY_TIME, interval=2**32 - 1).expires_at == seconds_later(NOW, 366 * 86_400)


def test_expires_at_beats_a_time_to_live() -> None:
    both = Command("1", "ping", issued_at=NOW, expires_at=MINUTE, ttl_seconds=5)
    assert term(both) == Term(MINUTE, BOOT, 61_000, by_clock=True)


def test_without_any_it_never_ends() -> None:
    late = Moment(Instant(2**60), usable=False, boot_id=OTHER, monotonic_ms=2**60)
    for command in (Command("1", "ping"), Command("1", "ping", issued_at=NOW), Command("1", "ping", ttl_seconds=5)):
        assert term(command, usable=False) == Term()
        assert is_over(Term(), late) is False


@pytest.mark.parametrize(
    ("now", "monotonic_ms", "usable", "expected"),
    [
        (NOW, 1000, True, False),
        (NOW, 60_999, True, False),
        (NOW, 61_000, True, True),  # the wall clock was set back
        (MINUTE, 1001, True, True),  # it was set ahead, and is right now
        (MINUTE, 1001, False, False),  # it was set ahead, and nobody knows whether it is right
    ],
)
def test_a_time_is_judged_by_both_clocks(now: Instant, monotonic_ms: int, usable: bool, expected: bool) -> None:
    assert is_over(noted(BY_TIME), Moment(now, usable, BOOT, monotonic_ms)) is expected


def test_an_interval_is_judged_by_the_machine_s_own_clock_alone() -> None:
    later = noted(BY_TIME, interval=60, usable=False)
    assert is_over(later, Moment(seconds_later(NOW, 3600), True, BOOT, 60_999)) is False
    assert is_over(later, Moment(NOW, False, BOOT, 61_000)) is True


@pytest.mark.parametrize(
    ("believable", "usable", "now", "expected"),
    [
        (True, True, NOW, False),
        (True, True, MINUTE, True),
        (True, False, MINUTE, None),
        (False, True, MINUTE, None),
    ],
)
def test_after_the_machine_was_started_anew_only_a_clock_that_was_and_is_right_can_tell(
    believable: bool, usable: bool, now: Instant, expected: bool | None
) -> None:
    before = Term(MINUTE, BOOT, 61_000, believable=believable)
    assert is_over(before, Moment(now, usable, OTHER, 5)) is expected
    nameless = replace(before, boot_id="00000000")
    assert is_over(nameless, Moment(now, usable, "00000000", 5)) is expected, "a machine that tells no boot id"
