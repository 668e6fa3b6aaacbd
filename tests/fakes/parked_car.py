"""A car at a connector: how its current follows the limit. It knows no clock; seconds are handed in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class ParkedCar:
    """Follows a lower limit after `seconds_down`, a higher one after `seconds_up`, begins after `seconds_to_begin`.

    `ignores`: its station accepts limits and does not hold it to them.
    """

    lines: int = 3
    most_amps: float = 32.0
    least_amps: float = 6.0
    seconds_down: float = 3.0
    seconds_up: float = 4.0
    seconds_to_begin: float = 8.0
    ignores: bool = False
    amps: float = 0.0
    _going_to: float | None = None
    _changes_at: float = 0.0

    def step(self, limit: float | None, now: float) -> None:
        """Time has passed until `now`; the limit of its station is this (None: none)."""
        wants = self.most_amps if limit is None or self.ignores else min(self.most_amps, limit)
        if wants < self.least_amps:
            wants = 0.0
        if wants == self.amps:
            self._going_to = None
            return
        falls, begins = wants < self.amps, self.amps == 0.0
        if self._going_to is None or falls != (self._going_to < self.amps):
            wait = self.seconds_down if falls else self.seconds_to_begin if begins else self.seconds_up
            self._changes_at = now + wait
        self._going_to = wants
        if now >= self._changes_at:
            self.amps, self._going_to = wants, None
