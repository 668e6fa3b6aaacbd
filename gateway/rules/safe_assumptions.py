"""What must be assumed: the most a connector can draw, the load nobody manages, and whether fallbacks fit.

Whatever is not known counts as its worst case: a limit that was sent and not confirmed, a car that has not settled, a
station that is silent, a lease that has run out, a meter that is old. This file decides amounts only; who gets what is
decided in `rules.load_allocation`, what is sent in `rules.limit_changes`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gateway.model.circuits import PHASES, Circuit, Outlet, circuits_above, supply_phases
from gateway.model.load_memory import ConnectorMemory
from gateway.model.site_picture import ConnectorFacts
from gateway.rules.load_allocation import Candidate, admit

ALL_LINES = (0, 1, 2)
LEASE_SECONDS = 600.0  # how long a limit above the fallback holds without being renewed
LONG_LEASE_SECONDS = 1800.0  # mode C: that profile is written to the station's memory each time
LEASE_SLACK_SECONDS = 30.0  # the station's clock may be this far from ours
SETTLE_SECONDS = 10.0  # from the station's word to the car's following (a car has 5 s to follow)
FRESH_SECONDS = 30.0  # a measurement of a connector older than this says nothing
TOLERANCE_AMPS, TOLERANCE_SHARE = 1.5, 0.1  # what a compliant car may draw above its limit


def falling_lease_seconds(outlet: Outlet) -> float:
    """How long a limit holds that is not below the outlet's fallback."""
    return LONG_LEASE_SECONDS if outlet.mode == "C" else LEASE_SECONDS


def hold_seconds(outlets: Iterable[Outlet]) -> float:
    """How long a limit below the fallback holds, and a new session waits at 0 A: statement S3.

    When the gateway dies, every limit above its fallback must have come down before the first one rises to its
    fallback. Leases are renewed when half the falling time is over, so twice that time is enough.
    """
    return 2 * max((falling_lease_seconds(outlet) for outlet in outlets), default=LEASE_SECONDS)


def unled_amps(outlet: Outlet, facts: ConnectorFacts | None) -> float:
    """What the outlet may draw when no lease holds: its fallback, or all it can if that was never confirmed."""
    return outlet.fallback_amps if facts is None or facts.fallback_confirmed else outlet.max_amps


def worst_amps(outlet: Outlet, facts: ConnectorFacts | None, memory: ConnectorMemory, hold: float) -> float:
    """The most the connector can draw now, on each phase it loads; `hold` are the site's `hold_seconds()`."""
    if outlet.mode == "D":
        return outlet.max_amps
    if facts is None:
        return outlet.fallback_amps
    known = 0.0
    if memory.defiant or facts.session is None:
        known = max(drawn_amps(outlet, facts) or (0.0,))
    return max(known, min(outlet.max_amps, _allowed(outlet, facts, memory, hold)))


def _allowed(outlet: Outlet, facts: ConnectorFacts, memory: ConnectorMemory, hold: float) -> float:
    """The largest of all limits that the station may be following."""
    lease, unled = facts.lease, unled_amps(outlet, facts)
    if not facts.connected:
        if lease is None or lease.ends_in_seconds <= -LEASE_SLACK_SECONDS:
            return unled
        return max(unled, memory.old_cap_amps, lease.accepted_amps or 0.0, lease.pending_amps or 0.0)
    held_at_zero = outlet.mode == "A" and outlet.starts_at_zero and facts.fallback_confirmed
    if facts.session is None and (lease is None or outlet.mode == "A"):
        return 0.0 if held_at_zero else unled
    if facts.session is not None and facts.session.age_seconds > hold - LEASE_SLACK_SECONDS:
        held_at_zero = False
    before = 0.0 if held_at_zero else unled
    if lease is None:
        return before
    if memory.cap_amps is None:
        before = unled  # the program has just begun, what the station was last told is the ledger's word alone
        if lease.accepted_amps is not None and lease.accepted_age_seconds < SETTLE_SECONDS:
            return outlet.max_amps  # and from where the car comes down nobody knows
    accepted = before if lease.accepted_amps is None else lease.accepted_amps
    after = unled if lease.first_end_in_seconds < LEASE_SLACK_SECONDS else 0.0
    return max(accepted, lease.pending_amps or 0.0, memory.old_cap_amps, after)


def still_followed_amps(facts: ConnectorFacts | None, memory: ConnectorMemory) -> float:
    """The largest limit that the car may still be following: an earlier one until the new one has settled."""
    if facts is None or facts.lease is None:
        return 0.0
    newest = max(facts.lease.accepted_amps or 0.0, facts.lease.pending_amps or 0.0)
    settled = facts.lease.accepted_amps is not None and facts.lease.accepted_age_seconds >= SETTLE_SECONDS
    return newest if settled else max(newest, memory.old_cap_amps)


def used_lines(outlet: Outlet, facts: ConnectorFacts | None, memory: ConnectorMemory) -> tuple[int, ...]:
    """The lines the connector counts on: all that are wired, those its car is known to use, or the first alone."""
    if memory.single_since is not None and facts is not None and facts.fallback_confirmed:
        return (0,)
    return ALL_LINES[: len(outlet.phase_rotation)] if memory.lines is None else memory.lines


def drawn_amps(outlet: Outlet, facts: ConnectorFacts | None) -> tuple[float, ...] | None:
    """The measured current of each wired line, if it is fresh and whole; never below 0."""
    if facts is None or facts.measured_amps is None or facts.measured_age_seconds > FRESH_SECONDS:
        return None
    if len(facts.measured_amps) < len(outlet.phase_rotation) or any(not amps < 1e4 for amps in facts.measured_amps):
        return None
    return tuple(max(0.0, amps) for amps in facts.measured_amps[: len(outlet.phase_rotation)])


def tolerated_amps(limit: float) -> float:
    """Up to where a measured current still obeys the limit."""
    return limit + max(TOLERANCE_AMPS, TOLERANCE_SHARE * limit)


def draw_bounds(
    outlet: Outlet,
    facts: ConnectorFacts | None,
    memory: ConnectorMemory,
    *,
    drawn: tuple[float, ...] | None,
    worst: float,
) -> tuple[list[float], list[float]]:
    """By supply phase, the least and the most the connector may be drawing: measurements are seconds old.

    A car with room above its last measurement may have risen since, unless it is known to want no more; a car whose
    limit was lowered may have fallen already.
    """
    least, most = [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]
    phases = supply_phases(outlet.phase_rotation)
    lease = facts.lease if facts is not None else None
    limit = lease.accepted_amps if lease is not None and lease.accepted_amps is not None else worst
    modest = memory.satisfied or memory.demand_amps is not None
    used = used_lines(outlet, facts, memory)
    for line, phase in enumerate(phases):
        idle_line = line not in used
        if drawn is None:
            most[phase] = 0.0 if idle_line else worst
            continue
        least[phase] = min(drawn[line], max(0.0, limit) + 0.5)
        most[phase] = worst
        if modest or idle_line:
            most[phase] = min(worst, drawn[line] + (0.0 if idle_line else 0.5))
        least[phase] = min(least[phase], most[phase])
    return least, most


@dataclass(frozen=True, slots=True)
class FallbackSum:
    """One row of the worst case without the gateway: the sum and its parts."""

    circuit: str
    phase: int  # 1 to 3
    limit_amps: float
    background_amps: float
    fallback_amps: float
    connectors: int
    fits: bool
    text: str


@dataclass(frozen=True, slots=True)
class FallbackCheck:
    """Statement S2: with the gateway dead, do fallbacks and the worst background stay below every limit?

    `to_zero`: the outlets, lowest class first, whose fallback would have to be 0. `fits_then` is false when not even
    that is enough (a circuit too small for its background, or for stations that cannot be limited).
    """

    fits: bool
    rows: tuple[FallbackSum, ...]
    to_zero: tuple[str, ...]
    fits_then: bool
    text: str


def check_fallbacks(circuits: Sequence[Circuit], outlets: Sequence[Outlet]) -> FallbackCheck:
    """The worst case of a configuration, by the installer's limits alone."""
    known = {circuit.name: circuit for circuit in circuits}
    places = {name: place for place, name in enumerate(sorted(known))}
    room, by_row = _room_beside_background(known, places), {}
    beside_unlimited, candidates = list(room), []
    for outlet in outlets:
        amps = outlet.max_amps if outlet.mode == "D" else outlet.fallback_amps
        rows = tuple(
            places[name] * 3 + phase
            for name in circuits_above(known, outlet.circuit)
            for phase in supply_phases(outlet.phase_rotation)
        )
        by_row[outlet.key] = (amps, rows)
        if outlet.mode == "D":
            for row in rows:
                beside_unlimited[row] -= amps
        else:
            order = (-outlet.priority, -outlet.weight, amps)
            candidates.append(Candidate(outlet.key, order, amps, rows))
    sums = tuple(_fallback_sum(known[name], phase, room, by_row, places) for name in places for phase in PHASES)
    fits = all(each.fits for each in sums)
    class_of = {outlet.key: (outlet.priority, outlet.key) for outlet in outlets}
    refused = admit(candidates, beside_unlimited).refused if not fits else {}
    to_zero = tuple(sorted((key for key in refused if by_row[key][0] > 0), key=lambda key: class_of[key]))
    fits_then = fits or min(beside_unlimited) >= -1e-6
    return FallbackCheck(fits, sums, to_zero, fits_then, _verdict(sums, to_zero, fits_then))


def worst_background(circuits: Mapping[str, Circuit]) -> dict[str, list[float]]:
    """By circuit and phase, the configured worst unmanaged load: at least that of its sub-circuits together."""
    below: dict[str, list[float]] = {name: [0.0, 0.0, 0.0] for name in circuits}
    worst: dict[str, list[float]] = {}
    deepest_first = sorted(circuits, key=lambda name: (-len(circuits_above(circuits, name)), name))
    for name in deepest_first:
        circuit = circuits[name]
        worst[name] = [max(circuit.background_worst_amps[phase], below[name][phase]) for phase in PHASES]
        if circuit.parent in below:
            for phase in PHASES:
                below[circuit.parent][phase] += worst[name][phase]
    return worst


def _room_beside_background(known: Mapping[str, Circuit], places: Mapping[str, int]) -> list[float]:
    worst = worst_background(known)
    return [known[name].limit_amps[phase] - worst[name][phase] for name in places for phase in PHASES]


def _fallback_sum(
    circuit: Circuit,
    phase: int,
    room: Sequence[float],
    by_row: Mapping[str, tuple[float, tuple[int, ...]]],
    places: Mapping[str, int],
) -> FallbackSum:
    row = places[circuit.name] * 3 + phase
    amounts = [by_row[key][0] for key in sorted(by_row) if row in by_row[key][1] and by_row[key][0] > 0]
    limit, total = circuit.limit_amps[phase], sum(amounts)
    background = limit - room[row]
    fits = total <= room[row] + 1e-6
    text = (
        f"{circuit.name}, phase {phase + 1}: {len(amounts)} fallbacks of together {total:g} A and a background of "
        f"{background:g} A make {total + background:g} A {'of' if fits else 'and exceed'} {limit:g} A"
    )
    return FallbackSum(circuit.name, phase + 1, limit, background, total, len(amounts), fits, text)


def _verdict(sums: Sequence[FallbackSum], to_zero: Sequence[str], fits_then: bool) -> str:
    broken = [each.text for each in sums if not each.fits]
    if not broken:
        return "without the gateway, fallbacks and background stay within every limit"
    cure = f"; it would fit with fallback_amps = 0 for {', '.join(to_zero)}" if fits_then else ""
    return "; ".join(broken) + (cure or "; no fallback of 0 A mends that: the limit is too low for what is not managed")
