"""How does a charging profile that a fleet manager wants stand at its station, and is it to be sent?

What a station took is not sent again when somebody at the site has cleared or replaced it: that is theirs to say. What
a station refused is tried again only after it has booted, because it would say the same.
"""

from __future__ import annotations

from typing import Literal

from gateway.model.instants import Instant

Standing = Literal["pending", "uncertain", "applied", "rejected", "overridden", "over"]
TAKEN = "Accepted"
SENT = "sent"  # no answer has come: it may be there, or may never have left


def standing_of(outcome: str | None, *, held: bool | None, over: bool) -> Standing:
    """`held`: the station has it as it was sent; None: perhaps. `over`: it will never limit anything again."""
    if over:
        return "over"
    if held is None:
        return "uncertain"
    if held:
        return "applied"
    if outcome is None or outcome == SENT:
        return "pending"
    return "overridden" if outcome == TAKEN else "rejected"


def is_due(
    standing: Standing, *, tried_at: Instant | None, booted_at: Instant | None, known_since: Instant | None
) -> bool:
    """Is it to be sent? `known_since`: a station that was removed meanwhile may come back as another device."""
    if standing == "pending":
        return True
    if tried_at is None or standing not in ("rejected", "overridden"):
        return False
    if known_since is not None and known_since > tried_at:
        return True
    return standing == "rejected" and booted_at is not None and booted_at > tried_at
