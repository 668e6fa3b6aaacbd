"""Until when may a fleet manager's command begin, and is it too late now?

The interval of the message itself is counted by the broker and, from its arrival, by the loop's clock: it is right even
where the gateway's clock is not. A time of day is judged by the wall clock, and only while that can be believed.
"""

from __future__ import annotations

from gateway.model.fleet_commands import Command, Complaint, Term
from gateway.model.instants import SECOND, Instant, seconds_later

_LONGEST_SECONDS = 366 * 86_400


def term_of(
    command: Command, *, interval_seconds: int | None, now: Instant, at_seconds: float, clock_usable: bool
) -> Term | Complaint:
    """By what is left of the message's own interval, else by the time it names, else for ever."""
    if interval_seconds is not None:
        ends = seconds_later(now, min(interval_seconds, _LONGEST_SECONDS))
        return Term(ends, at_seconds + interval_seconds, believable=clock_usable)
    expires_at = command.expires_at
    if expires_at is None and command.ttl_seconds is not None and command.issued_at is not None:
        expires_at = seconds_later(command.issued_at, command.ttl_seconds)
    if expires_at is None:
        return Term()
    if not clock_usable:
        return Complaint("clock_unsynced", "the gateway's clock is not synchronised: whether it is too late is unknown")
    return Term(expires_at, at_seconds + (expires_at - now) / SECOND, by_clock=True)


def is_over(term: Term, *, now: Instant, at_seconds: float, clock_usable: bool) -> bool | None:
    """Is it too late to begin? None: it cannot be told now."""
    if term.expires_at is None:
        return False
    late_by_clock = now >= term.expires_at
    if term.ends_at_seconds is not None:
        return at_seconds >= term.ends_at_seconds or (term.by_clock and clock_usable and late_by_clock)
    return late_by_clock if term.believable and clock_usable else None
