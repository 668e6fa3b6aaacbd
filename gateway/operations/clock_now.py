"""The machine's clock as verbs ask for it: how good is it now? Remembers when a time service last kept it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gateway.model.clocks import ClockQuality, RawClock
from gateway.rules.clock_quality import LastSynced, how_good, last_synced_of


@dataclass(slots=True)
class ClockNow:
    """Called, it says how good the clock is now. `read` asks the machine."""

    read: Callable[[], RawClock]
    last_synced: LastSynced | None = None
    low_since_us: int | None = None  # from when on the error has been much less than is noted (`is_low`)

    def __call__(self) -> ClockQuality:
        raw = self.read()
        self.last_synced = last_synced_of(raw, self.last_synced, None)
        return how_good(raw, self.last_synced)
