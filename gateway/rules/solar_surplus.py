"""Charging from surplus: how much the site feeds out, and when that is enough to begin or too little to go on.

Begins after a minute of enough and ends after three of too little, so that clouds do not pause cars. Where the meter
cannot be believed there is no surplus. Knows nothing of circuits; phases are taken together, as the tariff does.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.model.load_memory import SurplusMemory
from gateway.rules.load_sharing import Car, Surplus

BEGIN_SECONDS = 60.0
END_SECONDS = 180.0


def surplus_now(
    eco: Sequence[Car], fed_out: Sequence[float], memory: SurplusMemory, at: float
) -> tuple[SurplusMemory, Surplus]:
    """The surplus for the active eco cars. `fed_out`: amperes by meter at the grid, empty when none is believed."""
    if not eco:
        return SurplusMemory(), Surplus()
    used = sum(sum(car.drawn or ()) for car in eco)
    amps = max(0.0, sum(fed_out) + used) if fed_out else 0.0
    enough = amps >= min(car.least_amps * len(car.phases) for car in eco)
    if enough:
        since = at if memory.enough_since is None else memory.enough_since
        on = memory.on or at - since >= BEGIN_SECONDS
        return SurplusMemory(on, since, None), Surplus(amps, on)
    since = at if memory.lacking_since is None else memory.lacking_since
    on = memory.on and at - since < END_SECONDS
    return SurplusMemory(on, None, since), Surplus(amps, on)
