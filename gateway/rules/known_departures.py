"""When somebody said until when a car stays and how much it shall get: who comes first, and who needs how much.

Decides a place in the order of admission, a current to be let in with and a factor of the weight, for one car. A car
that has time comes behind those of whom nothing is known, one that has little to spare before them; so a site may know
some departures and not others. What was said is believed until that time has passed. Knows nothing of other cars.
"""

from __future__ import annotations

from dataclasses import dataclass

PRESSED_SECONDS = 3600.0  # with less time to spare a car comes before those of whom nothing is known
USUAL_AMPS = 8.0  # what a car of whom nothing is known counts as needing
LEAST_FACTOR, MOST_FACTOR = 0.25, 4.0  # so that nobody's word starves the others


@dataclass(frozen=True, slots=True)
class Need:
    """`order`: smaller comes first in its class; `amps`: with this it is in time; `factor`: of the outlet's weight."""

    order: tuple[float, float] = (0.0, 0.0)
    amps: float = 0.0
    factor: float = 1.0


UNKNOWN = Need()


def need_of(
    *, departure_in_seconds: float | None, wanted_wh: float | None, got_wh: float, most_amps: float, volts: float
) -> Need:
    """What follows from the word about one car; `volts` are those of all the lines it uses together."""
    if departure_in_seconds is None or wanted_wh is None or departure_in_seconds <= 0:
        return UNKNOWN
    missing_wh = max(0.0, wanted_wh - got_wh)
    needed_amps = missing_wh / volts / (departure_in_seconds / 3600.0)
    to_spare = departure_in_seconds - missing_wh / (volts * most_amps) * 3600.0
    pressed = missing_wh > 0 and to_spare < PRESSED_SECONDS
    factor = min(MOST_FACTOR, max(LEAST_FACTOR, needed_amps / USUAL_AMPS))
    return Need((-1.0 if pressed else 1.0, departure_in_seconds), min(most_amps, needed_amps), factor)
