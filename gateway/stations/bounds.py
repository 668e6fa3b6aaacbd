"""How much one station may ask of the gateway, so that no station takes from the others."""

from __future__ import annotations

from dataclasses import dataclass

# In strict mode a message may be longer only where it carries meter data: the StopTransaction of a long session.
LONGEST_WITHOUT_METER_DATA = 131_072
WITH_METER_DATA = frozenset({"StopTransaction", "MeterValues"})
MOST_CALLS_WAITING = 64


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much one station may ask of us, and how often it is pinged (0: never)."""

    max_frame_bytes: int
    answering_queue: int
    ping_interval_seconds: float = 0.0
