"""What can become of a CALL from the gateway to a station."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Payload = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Answered:
    """The station sent a CALLRESULT; `payload` is its object, as received."""

    payload: Payload


@dataclass(frozen=True, slots=True)
class CallErrored:
    """The station sent a CALLERROR: a normal negative answer, not a fault of ours."""

    code: str
    description: str
    details: object


Reply = Answered | CallErrored


class NotConnected(Exception):
    """The station has no open connection."""


class Unanswered(Exception):
    """The station did not answer in time, or its connection ended while we waited."""
