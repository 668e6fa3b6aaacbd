"""When to try the broker of a fleet manager again.

A hundred thousand gateways lose the same broker in the same second: whoever comes back at a time of his own choice
does not bring it down again. So each wait is drawn from a whole window (full jitter), and the window grows. It decides
how long to wait and what counts as stable. It does not know the link, nor the clock: seconds are those of the loop.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

STABLE_SECONDS = 60.0
"""So long a link must have held before its loss is a new beginning."""
OUTAGE_SECONDS = 60.0
"""Who had no link for so long comes back together with everybody else."""
SLOW_SECONDS = 300.0
"""Between tries that can only succeed when people have changed something."""

_SLOW_SPREAD = 0.2
_TOO_MANY_BRIEF_LINKS = 5


@dataclass(frozen=True, slots=True)
class Reconnecting:
    """What is remembered of earlier tries with one broker.

    `alone_since`: when the link was lost, or when we started. `failures`: tries and losses in a row without a stable
    link between. `bad_credentials`: of the newest try. `taken_over`: somebody else uses our client id, and no link has
    been stable since; people should be told. `brief_links`: how many in a row were not stable.
    """

    alone_since: float
    linked_before: bool
    failures: int = 0
    linked_since: float | None = None
    bad_credentials: bool = False
    taken_over: bool = False
    brief_links: int = 0

    @property
    def keeps_breaking(self) -> bool:
        """Whether link after link broke soon: many brokers do not say that somebody else uses our client id."""
        return self.brief_links >= _TOO_MANY_BRIEF_LINKS


def at_start(now: float, *, linked_before: bool) -> Reconnecting:
    """Before the first try. `linked_before`: there was a link in an earlier life, so this may be a power cut's end."""
    return Reconnecting(alone_since=now, linked_before=linked_before)


def when_not_linked(before: Reconnecting, *, bad_credentials: bool) -> Reconnecting:
    """A try failed."""
    return replace(before, failures=before.failures + 1, bad_credentials=bad_credentials)


def when_linked(before: Reconnecting, now: float) -> Reconnecting:
    """A try succeeded. Whether the link is stable is seen when it is lost."""
    return replace(before, linked_before=True, linked_since=now, bad_credentials=False)


def when_lost(before: Reconnecting, now: float, *, taken_over: bool) -> Reconnecting:
    """The link ended."""
    stable = before.linked_since is not None and now - before.linked_since >= STABLE_SECONDS
    return Reconnecting(
        alone_since=now,
        linked_before=True,
        failures=1 if stable else before.failures + 1,
        taken_over=taken_over or (before.taken_over and not stable),
        brief_links=0 if stable else before.brief_links + 1,
    )


def waiting_seconds(
    state: Reconnecting, now: float, share: float, *, most_seconds: float, start_jitter_seconds: float
) -> float:
    """How long to wait before the next try. `share`: drawn anew each time, at least 0 and less than 1.

    The very first try after the installation waits for nothing. The first of a later life, and all that follow an
    outage, are spread over `start_jitter_seconds` at least.
    """
    if state.bad_credentials or state.taken_over:
        return SLOW_SECONDS * (1 - _SLOW_SPREAD + 2 * _SLOW_SPREAD * share)
    window = min(most_seconds, 2.0 ** min(state.failures - 1, 32)) if state.failures else 0.0
    outage = state.failures == 0 or now - state.alone_since >= OUTAGE_SECONDS
    if outage and state.linked_before:
        window = max(window, start_jitter_seconds)
    return window * share
