"""What is known of the machine's clock: as the kernel tells it, as it is judged, and as it is noted in the database.

An error is a bound in milliseconds; while the quality is `unsynced` nobody knows how wrong the clock is, and the bound
says nothing. `boot_id` names the time since the machine started: only within it may monotonic times be compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# synced: a time service keeps it. holdover: one did since the machine started. unsynced: none did.
Quality = Literal["synced", "holdover", "unsynced"]


@dataclass(frozen=True, slots=True)
class RawClock:
    """What the kernel says, read at one moment. `offset_us` is the wall clock minus `monotonic_us`."""

    synchronised: bool
    max_error_us: int
    boot_id: str
    monotonic_us: int
    offset_us: int


@dataclass(frozen=True, slots=True)
class ClockQuality:
    """How good the clock is at a moment, which is also told in the monotonic time of this boot."""

    quality: Quality
    error_ms: int
    boot_id: str
    monotonic_ms: int


@dataclass(frozen=True, slots=True)
class ClockState:
    """The clock's state from event `since_event_id` on. `offset_us` is the wall clock minus the monotonic one."""

    since_event_id: int
    boot_id: str
    quality: Quality
    error_ms: int
    offset_us: int

    def monotonic_ms(self, instant: int) -> int:
        """The monotonic time of `boot_id` at an instant of the wall clock, in milliseconds."""
        return (instant - self.offset_us) // 1000
