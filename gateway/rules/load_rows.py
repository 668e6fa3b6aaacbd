"""The site as rows: one per circuit and phase, each with the limit that holds now and who set it.

Decides which rows a car loads and which of several limits is the lowest. A lower limit for a time never raises the
installer's, and ends by the wall clock. Knows nothing of shares, meters or what stations were told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gateway.model.circuits import PHASES, Circuit, Outlet, TemporaryLimit, circuits_above, supply_phases
from gateway.model.instants import Instant

INSTALLER = "installer"


@dataclass(frozen=True, slots=True)
class Row:
    """One phase of one circuit; `phase` counts from 0."""

    circuit: str
    phase: int
    limit_amps: float
    source: str


@dataclass(frozen=True, slots=True)
class Rows:
    """All rows, circuits by name and within each the three phases; `first` is the place of a circuit's phase 1."""

    rows: tuple[Row, ...]
    circuits: Mapping[str, Circuit]
    first: Mapping[str, int]

    def loaded_by(self, outlet: Outlet, lines: Iterable[int] | None = None) -> tuple[int, ...]:
        """The rows that the outlet loads with these of its lines (None: all that are wired)."""
        phases = supply_phases(outlet.phase_rotation)
        used = [phases[line] for line in lines if line < len(phases)] if lines is not None else phases
        return tuple(
            self.first[name] + phase for name in circuits_above(self.circuits, outlet.circuit) for phase in sorted(used)
        )


def rows_of(circuits: Sequence[Circuit], limits: Sequence[TemporaryLimit], now: Instant) -> Rows:
    """The rows of the site with the limits that hold at `now`."""
    ordered = sorted(circuits, key=lambda circuit: circuit.name)
    rows = [Row(circuit.name, phase, *_lowest(circuit, phase, limits, now)) for circuit in ordered for phase in PHASES]
    first = {circuit.name: place * len(PHASES) for place, circuit in enumerate(ordered)}
    return Rows(tuple(rows), {circuit.name: circuit for circuit in ordered}, first)


def _lowest(circuit: Circuit, phase: int, limits: Sequence[TemporaryLimit], now: Instant) -> tuple[float, str]:
    lowest, source = circuit.limit_amps[phase], INSTALLER
    for limit in sorted(limits, key=lambda each: each.source):
        in_force = limit.circuit == circuit.name and (limit.until is None or now < limit.until)
        if in_force and limit.limit_amps[phase] < lowest:
            lowest, source = max(0.0, limit.limit_amps[phase]), limit.source
    return lowest, source
