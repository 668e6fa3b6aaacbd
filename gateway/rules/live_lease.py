"""May live telemetry be sent now? Only while somebody asked for it, and never for long without asking again."""

from __future__ import annotations

from dataclasses import dataclass

LONGEST_SECONDS = 3600.0
USUAL_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Lease:
    """Until when (on the loop's clock) and of which stations (None: of all)."""

    until: float
    stations: frozenset[str] | None = None

    def holds(self, now: float) -> bool:
        """Whether anything is sent."""
        return now < self.until

    def covers(self, station: str | None) -> bool:
        """Whether telemetry of this station (None: of the site) is wanted."""
        return self.stations is None or station in self.stations


def lease_of(*, seconds: float | None, stations: frozenset[str] | None, now: float) -> Lease:
    """The lease that was asked for, no longer than allowed."""
    length = USUAL_SECONDS if seconds is None else min(max(seconds, 1.0), LONGEST_SECONDS)
    return Lease(now + length, stations)
