"""A car at a connector, second by second: how it follows what its station offers. It knows no protocol and no gateway.

Currents are in A on each line that the car uses, times in s of the loop.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

VOLTS = 230.0
_TAPER_FROM = 0.8  # of the energy it came for


@dataclass(slots=True)
class VisitingCar:
    """`lines`: how many of the outlet's lines it uses, from L1 on. `asleep_until`: it takes nothing before.

    It follows a lower offer `seconds_down` after that, begins `seconds_to_start` after there is enough, then jumps to
    the whole offer, as many do; it rises `seconds_up` after a higher one, by 4 A a second.
    """

    lines: int = 3
    least_amps: float = 6.0
    most_amps: float = 32.0
    wants_wh: float = 1e9
    seconds_down: float = 3.0
    seconds_up: float = 5.0
    seconds_to_start: float = 15.0
    asleep_until: float = 0.0
    drawn_amps: float = 0.0
    taken_wh: float = 0.0
    _lower_at: float | None = None
    _higher_at: float | None = None

    def second(self, offer: float, now: float) -> float:
        """One second with this offer; the current of each line that it uses."""
        wanted = self._wanted(offer, now)
        if wanted < self.drawn_amps:
            self._higher_at = None
            if self._lower_at is None:
                self._lower_at = now + self.seconds_down
            if now >= self._lower_at or self.full():
                self.drawn_amps, self._lower_at = wanted, None
        elif wanted > self.drawn_amps:
            self._lower_at = None
            if self._higher_at is None:
                self._higher_at = now + (self.seconds_up if self.drawn_amps else self.seconds_to_start)
            if now >= self._higher_at:
                self.drawn_amps = min(wanted, self.drawn_amps + 4) if self.drawn_amps else wanted
        else:
            self._lower_at = self._higher_at = None
        self.taken_wh += self.drawn_amps * self.lines * VOLTS / 3600
        return self.drawn_amps

    def full(self) -> bool:
        """It has what it came for."""
        return self.taken_wh >= self.wants_wh

    def could_draw(self, now: float) -> float:
        """What it would draw, were there no limit."""
        return self._wanted(self.most_amps, now)

    def _wanted(self, offer: float, now: float) -> float:
        if self.full() or now < self.asleep_until:
            return 0.0
        missing = 1 - self.taken_wh / self.wants_wh
        taper = min(1.0, missing / (1 - _TAPER_FROM))
        most = max(self.least_amps, self.most_amps * taper)
        return min(offer, most) if offer >= self.least_amps else 0.0


def some_car(chance: random.Random) -> VisitingCar:
    """Half of all cars use three lines, 12 % two; 10 % need 8 A to begin."""
    kind = chance.random()
    return VisitingCar(
        lines=3 if kind < 0.5 else 2 if kind < 0.62 else 1,
        least_amps=8.0 if chance.random() < 0.1 else 6.0,
        most_amps=chance.choice((16.0, 16.0, 20.0, 32.0)),
        wants_wh=chance.uniform(4_000, 40_000),
        seconds_down=chance.uniform(2, 5),
        seconds_up=chance.uniform(3, 10),
        seconds_to_start=chance.uniform(8, 40),
    )
