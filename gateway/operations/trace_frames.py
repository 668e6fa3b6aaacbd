"""The log of OCPP frames, on when `[log] frames` says so: one line a message, secrets masked.

For finding out what a station and the gateway say to each other. What cannot be read is told by its length only,
because nobody knows what is in it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable

from gateway.configuration import Log
from gateway.model.identities import StationId
from gateway.rules.commands import masked_request, masked_response

logger = logging.getLogger(__name__)

_LONGEST_LINE = 4000


def tracing(log: Log) -> Callable[[StationId, str, bytes], None] | None:
    """The function that is told every message, or None when frames are not logged."""
    if not log.frames:
        return None
    logger.setLevel(logging.INFO)  # asked for by its own switch, whatever the level of the rest

    def trace(station: StationId, direction: str, text: bytes) -> None:
        logger.info("%s %s", direction, masked_frame(text), extra={"station": station})

    return trace


def masked_frame(text: bytes) -> str:
    """The frame as it may be shown: configuration values that are secrets are masked, long ones are cut."""
    try:
        message = json.loads(text)
    except ValueError:
        return f"({len(text)} bytes that are not JSON)"
    if not isinstance(message, list):
        return f"({len(text)} bytes that are no OCPP frame)"
    shown = [_masked(message, part) if isinstance(part, dict) else part for part in message]
    return json.dumps(shown, ensure_ascii=False)[:_LONGEST_LINE]


def _masked(message: list[object], payload: dict[str, object]) -> object:
    if message[0] == 3:
        return masked_response("GetConfiguration", payload)
    return masked_request(str(message[2]) if len(message) > 2 else "", payload)
