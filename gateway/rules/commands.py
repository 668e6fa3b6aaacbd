"""May this command go to this station?

The operator's payload is sent verbatim, with free parameters: what looks wrong is a warning, never a veto. Refused is
only what the standard forbids the central system to send at all.
"""

from __future__ import annotations

from typing import Literal

NoAnswer = Literal["not_connected", "refused", "unanswered"]

_FORBIDDEN_WHILE_PENDING = frozenset({"RemoteStartTransaction", "RemoteStopTransaction"})


def reason_to_refuse(action: str, *, pending: bool) -> str | None:
    """Why the command may not be sent, None when it may (OCPP 1.6 4.2: no remote start or stop while Pending)."""
    if pending and action in _FORBIDDEN_WHILE_PENDING:
        return "the station is not accepted yet: adopt it first"
    return None
