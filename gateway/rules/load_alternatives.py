"""What a connector's limit would be if one fact were another one: the decision is made again, with that fact changed.

Decides which questions are worth asking of a connector, and how the facts of each must be changed so that the answer
is honest: a car that is taken away takes its current off the meters above it, or that would count as load which nobody
manages. The same picture and memory as those of the decision itself; nothing of it is ever sent.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import NamedTuple

from gateway.model.circuits import circuits_above, supply_phases
from gateway.model.load_decision import ConnectorDecision
from gateway.model.load_memory import CircuitMemory, Memory
from gateway.model.site_picture import MeterReading, SitePicture
from gateway.rules.background_load import believable
from gateway.rules.balance import decide
from gateway.rules.limit_reasons import Seen, others_on_row
from gateway.rules.safe_assumptions import drawn_amps

MOST_DECISIONS, MOST_LIMITS, MOST_OTHERS = 10, 3, 5
LEAST_DIFFERENCE_AMPS = 0.5


@dataclass(frozen=True, slots=True)
class Alternative:
    """`limit_amps` would be planned for the connector if it were so; `text` says it in a sentence."""

    what: str
    limit_amps: float
    text: str


class _Case(NamedTuple):
    what: str
    picture: SitePicture
    before: Memory


def alternatives_of(seen: Seen, before: Memory) -> tuple[Alternative, ...]:
    """Those that make a difference; none where no car is connected. `before` is the memory the decision was made with.

    Every case costs as much as a decision: there are at most `MOST_DECISIONS`.
    """
    if not seen.charges:
        return ()
    found, planned = [], seen.each.planned_amps
    for case in islice(_cases(seen, before), MOST_DECISIONS):
        amps = _planned(seen.each, case)
        if abs(amps - planned) >= LEAST_DIFFERENCE_AMPS:
            text = (
                f"{case.what[0].upper()}{case.what[1:]}, {amps:g} A would be planned for it instead of {planned:g} A."
            )
            found.append(Alternative(case.what, amps, text))
    return tuple(found)


def _planned(each: ConnectorDecision, case: _Case) -> float:
    _, decision = decide(case.picture, case.before)
    return next(
        other.planned_amps
        for other in decision.connectors
        if (other.station, other.connector) == (each.station, each.connector)
    )


def _cases(seen: Seen, before: Memory) -> Iterator[_Case]:
    yield from _without_limits(seen, before)
    yield from _of_itself(seen, before)
    yield from _with_meters(seen, before)
    yield from _without_others(seen, before)


def _without_limits(seen: Seen, before: Memory) -> Iterator[_Case]:
    picture = seen.picture
    holding = [
        limit
        for limit in picture.limits
        if limit.circuit in seen.above and (limit.until is None or picture.now < limit.until)
    ]
    for limit in sorted(holding, key=lambda each: (min(each.limit_amps), each.circuit, each.source))[:MOST_LIMITS]:
        rest = tuple(each for each in picture.limits if each is not limit)
        what = f"without the limit of {limit.source} for {limit.circuit}"
        yield _Case(what, replace(picture, limits=rest), before)


def _of_itself(seen: Seen, before: Memory) -> Iterator[_Case]:
    outlet = seen.outlet
    if seen.facts is not None and seen.facts.asked_amps is not None:
        free = replace(seen.facts, asked_amps=None)
        facts = tuple(free if each is seen.facts else each for each in seen.picture.connectors)
        what = "without the charging profile that somebody set"
        yield _Case(what, replace(seen.picture, connectors=facts), before)
    if outlet.mode == "D":
        yield _Case("if its station followed limits", _with_outlet(seen, mode="A"), before)
    yield _Case("with a higher priority", _with_outlet(seen, priority=outlet.priority + 1), before)


def _with_outlet(seen: Seen, **changes: object) -> SitePicture:
    other = replace(seen.outlet, **changes)  # type: ignore[arg-type]
    outlets = tuple(other if each is seen.outlet else each for each in seen.picture.outlets)
    return replace(seen.picture, outlets=outlets)


def _with_meters(seen: Seen, before: Memory) -> Iterator[_Case]:
    """The newest known currents as if read this moment; what was assumed meanwhile is forgotten."""
    doubted = {each.name for each in seen.decision.circuits if each.name in seen.above and each.mode != "normal"}
    fresh: dict[str, MeterReading] = {}
    for reading in seen.picture.readings:
        circuit = next(each for each in seen.picture.circuits if each.name == reading.circuit)
        now = replace(reading, age_seconds=0.0, trust="good")
        if circuit.name in doubted and believable(now, circuit) is not None:
            fresh[circuit.name] = now
    if fresh:
        readings = tuple(fresh.get(each.circuit, each) for each in seen.picture.readings)
        forgotten = {name: CircuitMemory() if name in fresh else each for name, each in before.circuits.items()}
        what = f"if the meter of {', '.join(sorted(fresh))} could be believed"
        yield _Case(what, replace(seen.picture, readings=readings), replace(before, circuits=forgotten))


def _without_others(seen: Seen, before: Memory) -> Iterator[_Case]:
    for other in others_on_row(seen)[:MOST_OTHERS]:
        readings = _readings_without(seen.picture, other)
        if readings is not None:
            here = (other.station, other.connector)
            picture = replace(
                seen.picture,
                outlets=tuple(each for each in seen.picture.outlets if (each.station, each.connector) != here),
                connectors=tuple(each for each in seen.picture.connectors if (each.station, each.connector) != here),
                readings=readings,
            )
            yield _Case(f"without {other.station}/{other.connector}", picture, before)


def _readings_without(picture: SitePicture, other: ConnectorDecision) -> tuple[MeterReading, ...] | None:
    """The meters without that connector's draw; None when nobody knows how much of a meter's current is its own."""
    here = (other.station, other.connector)
    outlet = next(each for each in picture.outlets if (each.station, each.connector) == here)
    facts = next((each for each in picture.connectors if (each.station, each.connector) == here), None)
    above = circuits_above({circuit.name: circuit for circuit in picture.circuits}, outlet.circuit)
    if not any(reading.circuit in above for reading in picture.readings):
        return picture.readings
    drawn = drawn_amps(outlet, facts)
    if drawn is None:
        return None
    own = dict(zip(supply_phases(outlet.phase_rotation), drawn, strict=True))
    return tuple(_less(each, own) if each.circuit in above else each for each in picture.readings)


def _less(reading: MeterReading, own: dict[int, float]) -> MeterReading:
    one, two, three = (None if amps is None else amps - own.get(phase, 0.0) for phase, amps in enumerate(reading.amps))
    return replace(reading, amps=(one, two, three))
