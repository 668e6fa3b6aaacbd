"""The outcome of one tick: limits, what to send in which order, and why, as data and in words.

Sends are to be carried out in their order per station; a newer decision replaces what has not gone out. Whoever carries
them out writes the ledger first. How a limit becomes an OCPP profile is not known here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gateway.model.circuits import Amps

# normal: its meter is fresh, or it needs none; hold: the reading is some seconds old; bound: the background counts as
# its configured worst case; floor: even that leaves less than the fallbacks need
CircuitMode = Literal["normal", "hold", "bound", "floor"]
SendKind = Literal["decrease", "increase", "start", "renew"]
AlarmKind = Literal["over_limit", "meter_missing", "station_ignores_limit", "station_offline", "limit_at_risk"]


@dataclass(frozen=True, slots=True)
class Binding:
    """What holds a connector's limit down. `circuit` and `phase` (1 to 3) are None when it is no circuit."""

    source: (
        str  # installer, the source of a temporary limit, outlet, demand, surplus, satisfied, fallback, unbalance...
    )
    text: str
    circuit: str | None = None
    phase: int | None = None


@dataclass(frozen=True, slots=True)
class ConnectorDecision:
    """One connector: what it shall have, what it may have by now, the most it can draw, and why."""

    station: str
    connector: int
    planned_amps: float  # the share; reached step by step
    cap_amps: float  # the limit in force after this decision's sends
    worst_amps: float  # what is reserved for it
    phases: tuple[int, ...]  # supply phases it loads, 1 to 3
    measured_amps: Amps | None  # by supply phase
    compliant: bool
    satisfied: bool
    binding: Binding


@dataclass(frozen=True, slots=True)
class CircuitDecision:
    """One circuit, per phase. `allotted_amps` is the worst case of all its connectors."""

    name: str
    parent: str | None
    limit_amps: Amps
    effective_limit_amps: Amps
    source: str  # of the lowest limit for a time, else installer
    measured_amps: tuple[float | None, float | None, float | None] | None
    background_amps: Amps
    allotted_amps: Amps
    headroom_amps: Amps
    mode: CircuitMode
    within_limit: bool  # statement S1: allotted + background <= effective limit on every phase


@dataclass(frozen=True, slots=True)
class Send:
    """A limit to be sent to a connector now: `amps` for `lease_seconds`, from then on its fallback.

    `number_phases`: on how many lines, for outlets that switch phases; None says nothing about it.
    """

    station: str
    connector: int
    amps: float
    lease_seconds: float
    kind: SendKind
    reason: str
    number_phases: int | None = None  # that the car shall use; None: as it is


@dataclass(frozen=True, slots=True)
class Stop:
    """A session to be stopped: it draws what it may not, and a circuit is overloaded."""

    station: str
    connector: int
    reason: str


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that people should know; repeated in every decision while it lasts."""

    kind: AlarmKind
    subject: str  # circuit name or outlet key
    text: str


@dataclass(frozen=True, slots=True)
class Decision:
    """All of it: sends in order (decreases first), everything else sorted by name."""

    connectors: tuple[ConnectorDecision, ...]
    circuits: tuple[CircuitDecision, ...]
    sends: tuple[Send, ...]
    stops: tuple[Stop, ...]
    alarms: tuple[Alarm, ...]

    @property
    def within_limits(self) -> bool:
        """Statement S1 for the whole site."""
        return all(circuit.within_limit for circuit in self.circuits)
