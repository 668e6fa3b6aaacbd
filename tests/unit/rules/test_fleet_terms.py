"""Until when a fleet manager's command may begin, by which clock."""

from __future__ import annotations

import pytest

from gateway.model.fleet_commands import Command, Complaint, Term
from gateway.model.instants import SECOND, Instant, seconds_later
from gateway.rules.fleet_terms import is_over, term_of
from tests.unit.store.opened_database import NOW

MINUTE = seconds_later(NOW, 60)
BY_TIME = Command("1", "ping", expires_at=MINUTE)
BY_TTL = Command("1", "ping", issued_at=seconds_later(NOW, -30), ttl_seconds=90)


def term(command: Command, *, interval: int | None = None, usable: bool = True) -> Term | Complaint:
    return term_of(command, interval_seconds=interval, now=NOW, at_seconds=1000.0, clock_usable=usable)


@pytest.mark.parametrize("command", [BY_TIME, BY_TTL])
def test_a_time_counts_while_the_clock_can_be_believed(command: Command) -> None:
    assert term(command) == Term(MINUTE, 1060.0, by_clock=True)
    refused = term(command, usable=False)
    assert isinstance(refused, Complaint) and refused.code == "clock_unsynced"


def test_the_message_s_own_interval_counts_whatever_the_clock_says() -> None:
    assert term(BY_TIME, interval=30) == Term(seconds_later(NOW, 30), 1030.0)
    assert term(BY_TIME, interval=30, usable=False) == Term(seconds_later(NOW, 30), 1030.0, believable=False)
    far = term(BY_TIME, interval=2**32 - 1)
    assert isinstance(far, Term) and far.expires_at == seconds_later(NOW, 366 * 86_400)


def test_expires_at_beats_a_time_to_live() -> None:
    both = Command("1", "ping", issued_at=NOW, expires_at=MINUTE, ttl_seconds=5)
    assert term(both) == Term(MINUTE, 1060.0, by_clock=True)


def test_without_any_it_never_ends() -> None:
    for command in (Command("1", "ping"), Command("1", "ping", issued_at=NOW), Command("1", "ping", ttl_seconds=5)):
        assert term(command, usable=False) == Term()
        assert is_over(Term(), now=Instant(2**60), at_seconds=1e12, clock_usable=False) is False


@pytest.mark.parametrize(
    ("now", "at_seconds", "usable", "expected"),
    [
        (NOW, 1000.0, True, False),
        (NOW, 1059.9, True, False),
        (NOW, 1060.0, True, True),  # the wall clock was set back
        (MINUTE, 1001.0, True, True),  # it was set ahead, and is right now
        (MINUTE, 1001.0, False, False),  # it was set ahead, and nobody knows whether it is right
    ],
)
def test_a_time_is_judged_by_both_clocks(now: Instant, at_seconds: float, usable: bool, expected: bool) -> None:
    noted = term(BY_TIME)
    assert isinstance(noted, Term)
    assert is_over(noted, now=now, at_seconds=at_seconds, clock_usable=usable) is expected


def test_an_interval_is_judged_by_the_loop_s_clock_alone() -> None:
    noted = term(BY_TIME, interval=60)
    assert isinstance(noted, Term)
    assert is_over(noted, now=Instant(NOW + 3600 * SECOND), at_seconds=1059.0, clock_usable=True) is False
    assert is_over(noted, now=NOW, at_seconds=1060.0, clock_usable=True) is True


@pytest.mark.parametrize(
    ("believable", "usable", "now", "expected"),
    [
        (True, True, NOW, False),
        (True, True, MINUTE, True),
        (True, False, MINUTE, None),
        (False, True, MINUTE, None),
    ],
)
def test_after_a_restart_only_a_clock_that_was_and_is_right_can_tell(
    believable: bool, usable: bool, now: Instant, expected: bool | None
) -> None:
    noted = Term(MINUTE, believable=believable)
    assert is_over(noted, now=now, at_seconds=5.0, clock_usable=usable) is expected
