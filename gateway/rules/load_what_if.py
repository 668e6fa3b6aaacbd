"""What load limits would give if a circuit had a lower limit this moment: the decision is made again, with that limit.

The same rules on the same picture and memory, of which nothing is changed; nothing of the answer is ever sent. What a
car has is what is planned for it, which is reached step by step; a connector without a car is told with what it may
draw. Limits that hold already go on holding, so a limit that is higher than those changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from gateway.model.circuits import Amps, TemporaryLimit, circuits_above
from gateway.model.load_decision import CircuitDecision, ConnectorDecision, Decision
from gateway.model.load_memory import Memory
from gateway.model.site_picture import SitePicture
from gateway.rules.balance import decide

SOURCE = "what-if"
LEAST_DIFFERENCE_AMPS = 0.05
MOST_NAMED = 6


@dataclass(frozen=True, slots=True)
class Imagined:
    """A connector now and then; `reason` is that of then."""

    station: str
    connector: int
    amps_now: float
    amps_then: float
    charges: bool
    reason: str


@dataclass(frozen=True, slots=True)
class WhatIf:
    """The answer. `planned_amps`: by circuit and phase, what all its connectors would have in the end."""

    circuits: tuple[CircuitDecision, ...]
    planned_amps: dict[str, Amps]
    connectors: tuple[Imagined, ...]
    text: str


def lowered(decision: Decision, circuit: str, lose_amps: Amps) -> Amps:
    """The limits of a circuit that would be left if it lost so much of those that hold now; none below 0."""
    now = next(each for each in decision.circuits if each.name == circuit).effective_limit_amps
    return max(0.0, now[0] - lose_amps[0]), max(0.0, now[1] - lose_amps[1]), max(0.0, now[2] - lose_amps[2])


def imagine(picture: SitePicture, before: Memory, now: Decision, circuit: str, limit_amps: Amps) -> WhatIf:
    """The decision of `picture` and `before` with this limit; `now` is the one without."""
    limit = TemporaryLimit(circuit, limit_amps, SOURCE)
    _, then = decide(replace(picture, limits=(*picture.limits, limit)), before)
    charging = {
        (facts.station, facts.connector)
        for facts in picture.connectors
        if facts.connected and facts.session is not None
    }
    steered = {(outlet.station, outlet.connector) for outlet in picture.outlets if outlet.mode != "D"}
    known = {(each.station, each.connector): each for each in now.connectors}
    connectors = tuple(
        _imagined(known[each.station, each.connector], each, charging=charging, steered=steered)
        for each in then.connectors
    )
    planned = _planned(picture, then, connectors)
    return WhatIf(then.circuits, planned, connectors, _text(then, circuit, connectors, planned))


def _imagined(
    now: ConnectorDecision, then: ConnectorDecision, *, charging: set[tuple[str, int]], steered: set[tuple[str, int]]
) -> Imagined:
    key = (then.station, then.connector)
    led = key in charging and key in steered
    amps = (now.planned_amps, then.planned_amps) if led else (now.cap_amps, then.cap_amps)
    return Imagined(*key, *amps, key in charging, then.binding.text)


def _planned(picture: SitePicture, then: Decision, connectors: tuple[Imagined, ...]) -> dict[str, Amps]:
    circuits = {circuit.name: circuit for circuit in picture.circuits}
    feeding = {(outlet.station, outlet.connector): outlet.circuit for outlet in picture.outlets}
    sums = {name: [0.0, 0.0, 0.0] for name in circuits}
    for each, decided in zip(connectors, then.connectors, strict=True):
        for name in circuits_above(circuits, feeding[each.station, each.connector]):
            for phase in decided.phases:
                sums[name][phase - 1] += each.amps_then if each.charges else 0.0
    return {name: (amps[0], amps[1], amps[2]) for name, amps in sums.items()}


def _text(then: Decision, circuit: str, connectors: tuple[Imagined, ...], planned: dict[str, Amps]) -> str:
    charging = [each for each in connectors if each.charges]
    moved = [each for each in charging if abs(each.amps_then - each.amps_now) >= LEAST_DIFFERENCE_AMPS]
    limits = next(each for each in then.circuits if each.name == circuit).effective_limit_amps
    shown = _amps(limits[0]) if len(set(limits)) == 1 else f"{', '.join(_number(one) for one in limits)} A"
    sentences = [f"With {shown} on {circuit}, {_how_many(len(moved), len(charging))}."]
    if moved:
        named = [f"{each.station}/{each.connector} {_change(each)}" for each in moved[:MOST_NAMED]]
        more = f" and {len(moved) - MOST_NAMED} more" if len(moved) > MOST_NAMED else ""
        sentences.append(f"{', '.join(named)}{more}.")
    for each in then.circuits:
        over = [
            background + had - limit
            for background, had, limit in zip(
                each.background_amps, planned[each.name], each.effective_limit_amps, strict=True
            )
        ]
        if max(over) >= LEAST_DIFFERENCE_AMPS:
            phase = over.index(max(over))
            sentences.append(
                f"{each.name}, phase {phase + 1} could still carry {_amps(max(over))} too much: "
                f"{_amps(each.background_amps[phase])} of it are not managed."
            )
    return " ".join(sentences)


def _how_many(moved: int, charging: int) -> str:
    if not charging:
        return "nobody charges"
    if not moved:
        return f"nothing changes for the {charging} that charge"
    return f"{moved} of {charging} that charge get another limit"


def _change(each: Imagined) -> str:
    if each.amps_then <= 0:
        return f"is paused (now {_amps(each.amps_now)})"
    return f"{_number(each.amps_now)} to {_amps(each.amps_then)}"


def _number(amps: float) -> str:
    return f"{round(amps, 1):g}"


def _amps(amps: float) -> str:
    return f"{_number(amps)} A"
