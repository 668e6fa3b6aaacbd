"""Is it time to say that a certificate ends? Roots are told earlier: a new one has to reach every station first."""

from __future__ import annotations

from gateway.model.instants import SECOND, Instant, text_of

_DAY = 86_400 * SECOND
_DAYS_BEFORE = {"authority": 90, "client_ca": 90, "installed": 90}
_USUAL_DAYS_BEFORE = 30
# a former authority matters as long as something may still rely on it
_FORMER_FORGOTTEN_AFTER_DAYS = 30


def days_left(not_after: Instant, *, now: Instant) -> int:
    """Whole days until the end; negative after it."""
    return (not_after - now) // _DAY


def ending(kind: str, name: str, not_after: Instant, *, now: Instant, former: bool = False) -> str | None:
    """A sentence about a certificate that ends soon or has ended; None: there is nothing to say."""
    left = days_left(not_after, now=now)
    if left >= _DAYS_BEFORE.get(kind, _USUAL_DAYS_BEFORE):
        return None
    day = text_of(not_after)[:10]
    if left >= 0:
        return f"{name} ends on {day}"
    if former and left < -_FORMER_FORGOTTEN_AFTER_DAYS:
        return None
    return f"{name} ended on {day}"
