"""Charging profiles as OCPP 1.6 7.8 to 7.13 has them, and the schedule that several of them make together.

Limits are decimals, because amperes and watts are compared exactly. What a station was really sent is kept verbatim
elsewhere; here is what it means.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from gateway.model.instants import Instant

CHARGE_POINT_MAX = "ChargePointMaxProfile"
TX_DEFAULT = "TxDefaultProfile"
TX = "TxProfile"

Unit = Literal["A", "W"]


@dataclass(frozen=True, slots=True)
class Period:
    """From `start_seconds` after the schedule's start this limit holds: A per phase, or W in total."""

    start_seconds: int
    limit: Decimal
    number_phases: int | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """One charging profile; None: the member is absent, or nothing usable stands there.

    `purpose`, `kind`, `recurrency_kind` and `unit` are texts of the specification, or whatever else was written.
    """

    profile_id: int
    stack_level: int
    purpose: str
    kind: str
    recurrency_kind: str | None = None
    transaction_id: int | None = None
    valid_from: Instant | None = None
    valid_to: Instant | None = None
    start_at: Instant | None = None
    duration_seconds: int | None = None
    unit: str = "A"
    periods: tuple[Period, ...] = ()


@dataclass(frozen=True, slots=True)
class Installed:
    """A profile on a connector of a station; 0 is the station as a whole."""

    connector: int
    profile: Profile


@dataclass(frozen=True, slots=True)
class Criteria:
    """What a ClearChargingProfile names (OCPP 1.6 5.5); None: the member is absent."""

    profile_id: int | None = None
    connector: int | None = None
    purpose: str | None = None
    stack_level: int | None = None


@dataclass(frozen=True, slots=True)
class CompositePeriod:
    """From `start_seconds` after the composite's start: this limit on so many phases; None: nothing limits."""

    start_seconds: int
    limit: Decimal | None
    number_phases: int | None


@dataclass(frozen=True, slots=True)
class CompositeSchedule:
    """What may be drawn from `start_at` on; the first period begins at 0, neighbours differ."""

    start_at: Instant
    duration_seconds: int
    unit: Unit
    periods: tuple[CompositePeriod, ...]
