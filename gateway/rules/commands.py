"""May this command go to this station?

The operator's payload is sent verbatim, with free parameters: what looks wrong is a warning, never a veto. Refused is
only what the standard forbids the central system to send at all, and what the gateway would send by itself to a station
that is to be left in peace.
"""

from __future__ import annotations

from typing import Literal

NoAnswer = Literal["not_connected", "refused", "unanswered"]

_FORBIDDEN_WHILE_PENDING = frozenset({"RemoteStartTransaction", "RemoteStopTransaction"})

# it belongs to the station's own SignCertificate
_ASKED_FOR_BY_STATIONS = frozenset({"CertificateSigned"})


def reason_to_refuse(action: str, *, pending: bool, quiet: bool = False, by_itself: bool = False) -> str | None:
    """Why the command may not be sent, None when it may (OCPP 1.6 4.2: no remote start or stop while Pending).

    `by_itself`: no person and no fleet manager asked for it. `quiet`: the station gets nothing of that kind.
    """
    if pending and action in _FORBIDDEN_WHILE_PENDING:
        return "the station is not accepted yet: adopt it first"
    if by_itself and (pending or quiet) and action not in _ASKED_FOR_BY_STATIONS:
        return "nobody asked for it, and the station is not to be asked by the gateway itself"
    return None
