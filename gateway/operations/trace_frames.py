"""Every OCPP frame is noted in memory, and logged when `[log] frames` says so: one line a message, secrets masked.

For finding out what a station and the gateway say to each other. What cannot be read is told by its length only,
because nobody knows what is in it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable

from gateway.configuration import Log
from gateway.model.identities import StationId
from gateway.model.instants import Instant
from gateway.operations.frames_now import FramesNow
from gateway.rules.secrecy import masked

logger = logging.getLogger(__name__)

_LONGEST_LINE = 4000


def noting(frames: FramesNow, log: Log, wall_clock: Callable[[], Instant]) -> Callable[[StationId, str, bytes], None]:
    """The function that is told every message: notes it in `frames`, and in the log where that is wanted."""
    note, trace = frames.note, tracing(log)

    def told(station: StationId, direction: str, text: bytes) -> None:
        note(station, "from_station" if direction == "received" else "to_station", text, wall_clock())
        if trace is not None:
            trace(station, direction, text)

    return told


def tracing(log: Log) -> Callable[[StationId, str, bytes], None] | None:
    """The function that is told every message, or None when frames are not logged."""
    if not log.frames:
        return None
    logger.setLevel(logging.INFO)  # asked for by its own switch, whatever the level of the rest

    def trace(station: StationId, direction: str, text: bytes) -> None:
        logger.info("%s %s", direction, masked_frame(text), extra={"station": station})

    return trace


def masked_frame(text: bytes) -> str:
    """The frame as it may be shown: what names itself a secret is masked, a long one is cut."""
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        return f"({len(text)} bytes that cannot be read)"
    if not isinstance(message, list):
        return f"({len(text)} bytes that are no OCPP frame)"
    return json.dumps(masked(message), ensure_ascii=False)[:_LONGEST_LINE]
