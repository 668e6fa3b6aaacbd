"""What a site meter says, and what is known of it: the nouns that load limits are built on.

Everything is in base units (V, A, W, Wh) and seen from the site: import from the grid is positive, feeding out is
negative. Phases are the meter's own L1, L2, L3. None means unknown, never zero. This file does not know where readings
come from (`meters/`) nor when one may be believed (`rules/meter_trust.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gateway.model.instants import Instant

Phases = tuple[float | None, float | None, float | None]
UNKNOWN: Phases = (None, None, None)

Trust = Literal["fresh", "stale", "frozen", "reversed", "out_of_scale", "missing"]
"""Only `fresh` may be believed. `stale` was believed a few seconds ago; of all others nothing is known."""


@dataclass(frozen=True, slots=True)
class Measured:
    """The values of one moment as decoded. `amps` carry the direction: most meters tell it by the power alone.

    A meter without phase currents (some SML and old DSMR meters) leaves `amps` unknown and has `total_watts`. The
    energy registers are read once a minute and stay as they were in between.
    """

    amps: Phases = UNKNOWN
    volts: Phases = UNKNOWN
    watts: Phases = UNKNOWN
    total_watts: float | None = None
    energy_import_wh: float | None = None
    energy_export_wh: float | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """Values, and when they were complete: on the wall clock, and on the loop's clock, by which ages are counted."""

    measured: Measured
    read_at: Instant
    loop_seconds: float


@dataclass(frozen=True, slots=True)
class Heard:
    """All that is known of one meter now: its newest reading (None: none since the start) and what stands beside it.

    `unchanged_since`: loop time of the first of the readings that are all equal to the newest one.
    `outward_since`: per phase, since when every reading feeds out; None: the newest does not.
    `failure`: what the newest try met, in words; None when it succeeded.
    """

    reading: Reading | None = None
    unchanged_since: float = 0.0
    outward_since: Phases = UNKNOWN
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """A meter's newest reading with what it is worth now; `reason` says in words why it is not fresh."""

    reading: Reading | None
    trust: Trust
    reason: str | None
    age_seconds: float | None
