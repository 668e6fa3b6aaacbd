"""How can this station be held to a limit? The commissioning probe: from answers and behaviour to the next try.

A station is taken to follow leases until it says or does something else. A refused fallback is tried in other shapes
(stack level, unit, without the wait at 0 A). A refused lease is tried in the next mode: A for the session, B in the
default profile, C as the station's maximum, D: it cannot be limited. A mode in which a car was seen to follow is
proven, and is given up no more, whatever a single session does. Silence decides nothing. What makes all of this begin
anew (other firmware, another device) and what a profile looks like is not known here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from gateway.model.circuits import LeaseMode
from gateway.model.limiting import Limiting, RateUnit
from gateway.rules.safe_assumptions import tolerated_amps

# refused: this profile. cannot: no profile of this kind. silent: no answer, or none that says anything.
Heard = Literal["accepted", "refused", "cannot", "silent"]
Tried = Literal["fallback", "lease"]

_AFTER: Mapping[LeaseMode, LeaseMode] = {"A": "B", "B": "C", "C": "D", "D": "D"}
_BY_ANSWER: Mapping[str | None, Heard] = {"Accepted": "accepted", "Rejected": "refused", "NotSupported": "cannot"}
_CANNOT_CODES = frozenset({"notimplemented", "notsupported"})
_REFUSING_CODES = frozenset(
    {
        "formationviolation",
        "formatviolation",
        "occurenceconstraintviolation",
        "occurrenceconstraintviolation",
        "propertyconstraintviolation",
        "typeconstraintviolation",
        "securityerror",
    }
)
_DREW_MORE_AMPS, _CLOSE_BELOW_AMPS = 2.0, 2.5


@dataclass(frozen=True, slots=True)
class Abilities:
    """What the station told of itself; None or empty: it did not."""

    highest_level: int | None = None  # never lowered because it could not be read
    units: frozenset[RateUnit] = frozenset()
    most_periods: int | None = None
    connectors: int = 1


def first_try(told: Abilities) -> Limiting:
    """Where the probe begins."""
    unit: RateUnit = "W" if told.units == {"W"} else "A"
    known = Limiting(unit=unit, stack_level=told.highest_level or 0)
    if told.most_periods is not None and told.most_periods < 2:
        return replace(known, mode="D", starts_at_zero=False, reason="it takes profiles of one period only")
    return known


def heard(status: str, answer: str | None, code: str | None) -> Heard:
    """What the outcome of a SetChargingProfile says; `answer`: the status in it, `code`: of a CALLERROR.

    A station that reports a fault of its own may have kept the profile all the same.
    """
    if status == "answered":
        return _BY_ANSWER.get(answer, "silent")
    folded = (code or "").casefold()
    if status == "call_error" and folded in _CANNOT_CODES:
        return "cannot"
    return "refused" if status == "call_error" and folded in _REFUSING_CODES else "silent"


def after_answer(known: Limiting, tried: Tried, what: Heard, told: Abilities) -> Limiting:
    """What is known after this answer; the same object when nothing else is to be tried."""
    if what in ("accepted", "silent") or known.mode == "D":
        return known
    if tried == "fallback":
        shape = _next_shape(known, told) if what == "refused" and not known.proven else None
        return known if shape is None else shape
    if known.proven:
        return known
    words = "refuses" if what == "refused" else "does not know"
    return next_mode(known, told, f"it {words} limits in mode {known.mode}")


def without_fallback(known: Limiting, told: Abilities) -> Limiting:
    """All shapes of the default profile are refused: a limit for the whole station may do; else leases alone."""
    if known.proven or known.mode in "CD" or told.connectors != 1:
        return known
    return replace(first_try(told), mode="C", starts_at_zero=False, reason="it refuses default profiles")


def after_behaviour(known: Limiting, told: Abilities, *, obeyed: bool) -> Limiting:
    """What is known after a car followed a limit or, for a while, did not; the same object when it is no news."""
    if obeyed:
        news = not known.proven and known.mode != "D"
        return replace(known, proven=True, reason=f"a car followed a limit in mode {known.mode}") if news else known
    return known if known.proven else next_mode(known, told, f"a car did not follow its limit in mode {known.mode}")


def next_mode(known: Limiting, told: Abilities, reason: str) -> Limiting:
    """The next mode to try; C is a limit for the whole station, and cannot be divided among connectors."""
    mode = _AFTER[known.mode]
    if mode == "C" and told.connectors != 1:
        mode = "D"
    return known if mode == known.mode else replace(known, mode=mode, proven=False, reason=reason)


def has_obeyed(*, drew_amps: float, cap_amps: float, draws_amps: float, least_amps: float) -> bool:
    """Did the car come down to its limit? Only a limit that cuts what it drew says anything, and at 0 A cars stop."""
    cut = drew_amps >= cap_amps + _DREW_MORE_AMPS and cap_amps >= least_amps
    return cut and cap_amps - _CLOSE_BELOW_AMPS <= draws_amps <= tolerated_amps(cap_amps)


def _next_shape(known: Limiting, told: Abilities) -> Limiting | None:
    """The fallback's next shape: the wait at 0 A is worth most, then the level, and the unit is told or guessed."""
    units: list[RateUnit] = sorted(told.units) or ["A", "W"]
    levels = sorted({told.highest_level or 0, 0}, reverse=True)
    shapes = [(zero, unit, level) for zero in (True, False) for unit in units for level in levels]
    now = (known.starts_at_zero, known.unit, known.stack_level)
    later = shapes[shapes.index(now) + 1 :] if now in shapes else shapes[-1:]
    if not later or later[0] == now:
        return None
    zero, unit, level = later[0]
    words = f"it refuses the fallback {'with' if now[0] else 'without'} a wait at 0 A, in {now[1]}, at level {now[2]}"
    return replace(known, starts_at_zero=zero, unit=unit, stack_level=level, reason=words)
