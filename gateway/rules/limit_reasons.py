"""Why a connector has the limit it has, in words that an operator understands: from the facts and the decision alone.

Decides what is worth saying, in which order; nothing about limits. The facts may be those of now or of any recorded
moment. What would be different if something were different is another question (`rules.load_alternatives`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.model.circuits import Outlet, circuits_above
from gateway.model.instants import SECOND, Instant, text_of
from gateway.model.load_decision import ConnectorDecision, Decision
from gateway.model.site_picture import ConnectorFacts, LeaseFacts, SitePicture
from gateway.rules.safe_assumptions import unled_amps

MOST_NAMED = 4
_SAME_AMPS = 0.05
_TRUST = {
    "hold": "has not been read for some seconds: some more unmanaged load is assumed",
    "bound": "gives nothing that can be believed: the worst unmanaged load is assumed",
    "floor": "gives nothing that can be believed, and the worst unmanaged load leaves too little even for fallbacks",
}


@dataclass(frozen=True, slots=True)
class Seen:
    """A connector in a decision, with what was known of it. `above`: the circuits that feed it, innermost first."""

    picture: SitePicture
    decision: Decision
    each: ConnectorDecision
    outlet: Outlet
    facts: ConnectorFacts | None
    above: tuple[str, ...]

    @property
    def charges(self) -> bool:
        """Connected, with a session."""
        return self.facts is not None and self.facts.connected and self.facts.session is not None


def connectors_of(picture: SitePicture, decision: Decision, station: str) -> tuple[Seen, ...]:
    """The station's connectors in this decision, lowest first; none when it was not managed."""
    circuits = {circuit.name: circuit for circuit in picture.circuits}
    outlets = {(outlet.station, outlet.connector): outlet for outlet in picture.outlets}
    known = {(facts.station, facts.connector): facts for facts in picture.connectors}
    found = []
    for each in sorted(decision.connectors, key=lambda one: one.connector):
        if each.station == station:
            outlet = outlets[each.station, each.connector]
            facts, above = known.get((each.station, each.connector)), circuits_above(circuits, outlet.circuit)
            found.append(Seen(picture, decision, each, outlet, facts, above))
    return tuple(found)


def one_to_explain(seen: tuple[Seen, ...]) -> Seen:
    """Of a station's connectors the lowest with a session, else the lowest."""
    return next((one for one in seen if one.facts is not None and one.facts.session is not None), seen[0])


def others_on_row(seen: Seen) -> tuple[ConnectorDecision, ...]:
    """Who else has something on the circuit and phase that binds this connector, the largest first."""
    binding = seen.each.binding
    if binding.circuit is None:
        return ()
    circuits = {circuit.name: circuit for circuit in seen.picture.circuits}
    feeding = {(outlet.station, outlet.connector): outlet.circuit for outlet in seen.picture.outlets}
    found = [
        other
        for other in seen.decision.connectors
        if other is not seen.each
        and _has(other) > 0
        and binding.phase in other.phases
        and binding.circuit in circuits_above(circuits, feeding[other.station, other.connector])
    ]
    return tuple(sorted(found, key=lambda other: (-_has(other), other.station, other.connector)))


def reason_of_limit(seen: Seen) -> str:
    """All of it, a few sentences."""
    parts = (_limit(seen), _binding(seen), _ends(seen), _draw(seen), _lease(seen), _meters(seen), _stops(seen))
    return " ".join(sentence for part in parts for sentence in part)


def _has(other: ConnectorDecision) -> float:
    return max(other.planned_amps, other.worst_amps)


def _limit(seen: Seen) -> Iterator[str]:
    each, name = seen.each, f"{seen.each.station} connector {seen.each.connector}"
    kept = f"{_amps(each.worst_amps)} are kept free for it"
    if seen.outlet.mode == "D":
        yield f"{name} cannot be limited: its station follows no limit. {kept}."
    elif seen.facts is None or not seen.facts.connected:
        yield f"{name} is not connected: {kept}, the most it may draw until it is back."
    elif not seen.charges:
        yield f"{name} has no session. A car that comes may draw {_amps(each.cap_amps)} until it is given its share."
    elif each.cap_amps > 0:
        yield f"{name} may draw {_amps(each.cap_amps)}."
    else:
        yield f"{name} is paused: it may draw 0 A."
    if seen.charges and seen.outlet.mode != "D" and abs(each.planned_amps - each.cap_amps) > _SAME_AMPS:
        yield f"{_amps(each.planned_amps)} are planned for it, and reached step by step."
    for send in seen.decision.sends:
        if (send.station, send.connector) == (each.station, each.connector) and send.kind != "renew":
            yield "It is told so this moment."


def _binding(seen: Seen) -> Iterator[str]:
    if not seen.charges or seen.outlet.mode == "D":
        return
    binding = seen.each.binding
    yield f"Why: {binding.text}."
    others = others_on_row(seen)
    sharing = [other for other in others if other.planned_amps > 0]
    kept = [other.worst_amps for other in others if other.planned_amps <= 0]
    if sharing:
        named = [f"{other.station}/{other.connector} {_amps(other.planned_amps)}" for other in sharing[:MOST_NAMED]]
        more = f" and {len(sharing) - MOST_NAMED} more" if len(sharing) > MOST_NAMED else ""
        yield f"Others there: {', '.join(named)}{more}."
    if kept:
        yield f"{_amps(sum(kept))} are kept there for {len(kept)} without a share."


def _ends(seen: Seen) -> Iterator[str]:
    """Until when the limit of somebody holds, where that binds."""
    now, binding = seen.picture.now, seen.each.binding
    if not seen.charges:
        return
    for limit in seen.picture.limits:
        if (limit.circuit, limit.source) == (binding.circuit, binding.source):
            if limit.until is None:
                yield f"The limit of {limit.source} for {limit.circuit} holds until it is taken away."
            elif now < limit.until:
                yield f"The limit of {limit.source} for {limit.circuit} holds until {_time(limit.until)}."


def _draw(seen: Seen) -> Iterator[str]:
    if not seen.charges or seen.facts is None:
        return
    measured = seen.each.measured_amps
    if measured is None:
        yield "What it draws is not known."
    else:
        yield f"It drew {_amps(max(measured))} {seen.facts.measured_age_seconds:.0f} s ago."


def _lease(seen: Seen) -> Iterator[str]:
    if not seen.charges or seen.outlet.mode == "D":
        return
    facts = seen.facts
    lease = None if facts is None else facts.lease
    if lease is None:
        yield "Its station has accepted no limit for this session yet."
    else:
        yield from _of_lease(seen, lease)


def _of_lease(seen: Seen, lease: LeaseFacts) -> Iterator[str]:
    unled = unled_amps(seen.outlet, seen.facts)
    if lease.first_end_in_seconds <= 0:
        yield f"The limit it was sent has run out: its station may have fallen back to {_amps(unled)}."
    elif lease.accepted_amps is not None:
        end = _time(Instant(seen.picture.now + int(lease.first_end_in_seconds * SECOND)))
        yield f"Its station has accepted {_amps(lease.accepted_amps)} until {end}; {_amps(unled)} hold after that."
    if lease.refused:
        yield "It refused the newest limit."
    elif lease.pending_amps is not None:
        yield f"It has not answered yet to {_amps(lease.pending_amps)}."


def _meters(seen: Seen) -> Iterator[str]:
    for circuit in seen.decision.circuits:
        if circuit.name in seen.above and circuit.mode in _TRUST:
            yield f"The meter of {circuit.name} {_TRUST[circuit.mode]}."


def _stops(seen: Seen) -> Iterator[str]:
    for stop in seen.decision.stops:
        if (stop.station, stop.connector) == (seen.each.station, seen.each.connector):
            yield f"Its session is being stopped: {stop.reason}."


def _amps(amps: float) -> str:
    return f"{round(amps, 1):g} A"


def _time(at: Instant) -> str:
    return text_of(Instant(at // SECOND * SECOND))
