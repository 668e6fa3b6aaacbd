"""Doubts a site meter that sees nothing of what cars draw below it: a transformer was taken off, or is not there yet.

Only where nothing generates (`may_export = false`) is that a contradiction, and only when it lasts: cars and meter are
not measured at the same moment. When so little is shown that it cannot be is a rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from gateway.configuration import Meter
from gateway.model.circuits import Circuit, Outlet
from gateway.model.identities import StationId
from gateway.model.meters import Phases
from gateway.operations.site import Site
from gateway.rules.car_currents import OLDEST_SECONDS
from gateway.rules.meter_trust import BLIND_SECONDS, misses_cars


@dataclass(slots=True)
class MeterDoubts:
    """Remembers on the loop's clock since when a circuit's meter has shown too little."""

    site: Site
    _since: dict[str, float] = field(default_factory=dict)

    def is_blind(
        self,
        circuit: Circuit,
        meter: Meter,
        amps: Phases,
        circuits: Iterable[Circuit],
        outlets: Sequence[Outlet],
        at: float,
    ) -> bool:
        """Whether this reading of a circuit's meter is not to be believed."""
        if meter.may_export or not misses_cars(amps, self._drawn(circuit, circuits, outlets, at)):
            self._since.pop(circuit.name, None)
            return False
        return at - self._since.setdefault(circuit.name, at) >= BLIND_SECONDS

    def _drawn(
        self, circuit: Circuit, circuits: Iterable[Circuit], outlets: Sequence[Outlet], at: float
    ) -> tuple[float, float, float]:
        """What cars below this circuit draw from each supply phase, as far as that is known."""
        parents = {one.name: one.parent for one in circuits}
        found = [0.0, 0.0, 0.0]
        for outlet in outlets:
            draw = self.site.load.draws.get((StationId(outlet.station), outlet.connector))
            place: str | None = outlet.circuit
            while place is not None and place != circuit.name:
                place = parents.get(place)
            if draw is not None and place is not None and at - draw.loop_seconds <= OLDEST_SECONDS:
                for phase, amps in zip(outlet.phase_rotation, draw.amps, strict=False):
                    found[int(phase) - 1] += amps
        return found[0], found[1], found[2]
