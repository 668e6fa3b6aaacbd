"""Until when may a fleet manager's command begin, and is it too late now?

The interval of the message itself is counted by the broker and, from its arrival, by the machine's own clock since its
start: it is right even where the time of day is not. A time of day is judged only while the wall clock can be believed.
"""

from __future__ import annotations

from gateway.model.fleet_commands import Command, Complaint, Moment, Term
from gateway.model.instants import seconds_later

_LONGEST_SECONDS = 366 * 86_400


def term_of(command: Command, *, interval_seconds: int | None, moment: Moment) -> Term | Complaint:
    """By what is left of the message's own interval, else by the time it names, else for ever."""
    if interval_seconds is not None:
        left = min(interval_seconds, _LONGEST_SECONDS)
        ends_at_ms = moment.monotonic_ms + left * 1000
        return Term(seconds_later(moment.now, left), moment.boot_id, ends_at_ms, believable=moment.usable)
    expires_at = command.expires_at
    if expires_at is None and command.ttl_seconds is not None and command.issued_at is not None:
        expires_at = seconds_later(command.issued_at, command.ttl_seconds)
    if expires_at is None:
        return Term()
    if not moment.usable:
        return Complaint("clock_unsynced", "the gateway's clock is not synchronised: whether it is too late is unknown")
    ends_at_ms = moment.monotonic_ms + (expires_at - moment.now) // 1000
    return Term(expires_at, moment.boot_id, ends_at_ms, by_clock=True)


def is_over(term: Term, moment: Moment) -> bool | None:
    """Is it too late to begin? None: it cannot be told now."""
    if term.expires_at is None:
        return False
    late_by_clock = moment.now >= term.expires_at
    if term.boot_id == moment.boot_id and moment.boot_id.strip("0"):
        return moment.monotonic_ms >= term.ends_at_ms or (term.by_clock and moment.usable and late_by_clock)
    return late_by_clock if term.believable and moment.usable else None
