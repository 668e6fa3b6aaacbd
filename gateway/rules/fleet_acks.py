"""What does a fleet manager's acknowledgement say? Read from JSON; what cannot be understood is told in words."""

from __future__ import annotations

import json

from gateway.model.journal import STREAMS
from gateway.rules.delivery import Ack

_MOST_EVENTS_A_SECOND = 1_000_000.0


def ack_of(payload: bytes) -> Ack | str:
    """The acknowledgement, or what is wrong with it."""
    try:
        document = json.loads(payload)
    except (ValueError, RecursionError):
        return "not JSON"
    if not isinstance(document, dict):
        return "expected an object"
    epoch, stream, upto = document.get("epoch"), document.get("stream"), document.get("upto")
    if not isinstance(epoch, str):
        return "epoch: expected text"
    if stream not in STREAMS:
        return f"stream: expected one of {', '.join(STREAMS)}"
    if not isinstance(upto, int) or isinstance(upto, bool) or upto < 0:
        return "upto: expected a whole number, 0 or more"
    return Ack(
        epoch,
        str(stream),
        upto,
        gap=document.get("gap") is True,
        batch=document.get("batch") is True,
        most_per_second=_pace_of(document.get("flow")),
    )


def _pace_of(flow: object) -> float | None:
    """Events a second; None: no such wish, or one that cannot be meant."""
    wish = flow.get("max_events_per_s") if isinstance(flow, dict) else None
    if not isinstance(wish, int | float) or isinstance(wish, bool) or not 0 < wish <= _MOST_EVENTS_A_SECOND:
        return None
    return float(wish)
