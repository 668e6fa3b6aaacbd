"""How a station can be held to a limit, as far as that was found out: the answer of the commissioning probe.

Modes are those of `model.circuits.LeaseMode`. What follows from an answer of a station is decided by a rule; what a
limit looks like as an OCPP profile is not known here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gateway.model.circuits import LeaseMode

RateUnit = Literal["A", "W"]


@dataclass(frozen=True, slots=True)
class Limiting:
    """What is known of one station. Until something else is found out, it is taken to follow leases (mode A)."""

    mode: LeaseMode = "A"
    proven: bool = False  # a car was seen to follow a limit sent in this mode
    starts_at_zero: bool = True  # its fallback profile can hold a new session at 0 A
    unit: RateUnit = "A"
    step_amps: float = 0.1  # the finest step it follows
    stack_level: int = 0  # at which our profiles are set
    reason: str = "not tried yet"
