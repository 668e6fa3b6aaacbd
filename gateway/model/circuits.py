"""The electrical site as its installer describes it: circuits, outlets on them, lower limits for a time.

Everything is in amperes per supply phase, in the order 1, 2, 3. Here is decided what the words mean, which circuits lie
above which, and which supply phase an outlet's line loads; nothing is known of stations, meters or time. Plain frozen
data, made of strings, numbers, booleans and tuples alone, so that any JSON codec carries it there and back unchanged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from gateway.model.instants import Instant

Amps = tuple[float, float, float]
PHASES = (0, 1, 2)
VOLTS = 230  # between a phase and neutral, where nobody measures it
NO_AMPS: Amps = (0.0, 0.0, 0.0)

# How a station can be held to a limit (found by a probe at commissioning):
# A a lease for the transaction, B only the default profile, C only the station's maximum, D none of them works
LeaseMode = Literal["A", "B", "C", "D"]


@dataclass(frozen=True, slots=True)
class Circuit:
    """A fuse and what hangs on it. `background_worst_amps`: all unmanaged load below it, sub-circuits included."""

    name: str
    limit_amps: Amps
    parent: str | None = None
    metered: bool = False
    background_worst_amps: Amps = NO_AMPS
    unbalance_limit_amps: float | None = None  # between phases, of cars on one or two phases


@dataclass(frozen=True, slots=True)
class Outlet:
    """A connector as part of the site. `phase_rotation`: the supply phases that feed its lines L1, L2, L3."""

    station: str
    connector: int
    circuit: str
    phase_rotation: str = "123"
    min_amps: float = 6.0
    max_amps: float = 32.0
    fallback_amps: float = 6.0  # what it may draw when its lease has run out; 0 or at least min_amps
    priority: int = 0  # a higher class is served first
    weight: float = 1.0  # share within what is there for all
    eco: bool = False  # charges from surplus alone
    no_resume: bool = False  # its cars do not wake after a pause: never paused once started
    mode: LeaseMode = "A"
    starts_at_zero: bool = True  # its fallback profile holds a new session at 0 A for `hold_seconds()` of the site
    step_amps: float = 0.1  # the finest step the station follows
    switches_phases: bool = False  # from three phases to one and back, within a session

    @property
    def key(self) -> str:
        """The outlet's name in pictures, memory and decisions."""
        return outlet_key(self.station, self.connector)


@dataclass(frozen=True, slots=True)
class TemporaryLimit:
    """A lower limit for a time, from the fleet, the grid operator or a person. It never raises the installer's."""

    circuit: str
    limit_amps: Amps
    source: str
    until: Instant | None = None


def outlet_key(station: str, connector: int) -> str:
    """`station/connector`: unique, because the connector is a number."""
    return f"{station}/{connector}"


@lru_cache(maxsize=64)
def supply_phases(rotation: str) -> tuple[int, ...]:
    """For each line of the outlet, beginning with L1, the index of the supply phase that feeds it."""
    return tuple("123".index(digit) for digit in rotation)


def circuits_above(circuits: Mapping[str, Circuit], name: str) -> tuple[str, ...]:
    """The circuit and all its ancestors, innermost first; what is unknown or has been seen ends the walk."""
    found: list[str] = []
    current: str | None = name
    while current is not None and current in circuits and current not in found:
        found.append(current)
        current = circuits[current].parent
    return tuple(found)


def mistakes_of_site(circuits: Sequence[Circuit], outlets: Sequence[Outlet]) -> tuple[str, ...]:
    """What is wrong with this description, in words; nothing when `decide()` can work with it."""
    return (*_mistakes_of_circuits(circuits), *_mistakes_of_outlets(outlets, {circuit.name for circuit in circuits}))


def _mistakes_of_circuits(circuits: Sequence[Circuit]) -> list[str]:
    known = {circuit.name: circuit for circuit in circuits}
    mistakes = ["two circuits have the same name"] if len(known) < len(circuits) else []
    for circuit in known.values():
        if circuit.parent is not None and circuit.parent not in known:
            mistakes.append(f"circuit {circuit.name}: its parent {circuit.parent} is not a circuit")
        elif known[circuits_above(known, circuit.name)[-1]].parent is not None:
            mistakes.append(f"circuit {circuit.name}: its parents go round in a circle")
        if min(circuit.limit_amps) < 0 or min(circuit.background_worst_amps) < 0:
            mistakes.append(f"circuit {circuit.name}: a limit or background load is below 0 A")
    return mistakes


def _mistakes_of_outlets(outlets: Sequence[Outlet], circuits: set[str]) -> list[str]:
    mistakes = []
    if len({outlet.key for outlet in outlets}) < len(outlets):
        mistakes.append("a connector is described twice")
    for outlet in outlets:
        rotation = outlet.phase_rotation
        if outlet.circuit not in circuits:
            mistakes.append(f"{outlet.key}: {outlet.circuit} is not a circuit")
        if not rotation or set(rotation) - set("123") or len(set(rotation)) < len(rotation):
            mistakes.append(f"{outlet.key}: phase rotation {rotation!r} names no supply phases (as in 123, 231 or 2)")
        if not 0 < outlet.min_amps <= outlet.max_amps or outlet.weight <= 0 or outlet.step_amps <= 0:
            mistakes.append(f"{outlet.key}: expected 0 < min_amps <= max_amps, and weight and step above 0")
        if outlet.fallback_amps and not outlet.min_amps <= outlet.fallback_amps <= outlet.max_amps:
            mistakes.append(f"{outlet.key}: fallback_amps is neither 0 nor between min_amps and max_amps")
    return mistakes
