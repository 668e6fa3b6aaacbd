"""What the newest decision would be with a lower limit on a circuit: asked by people, carried out by nobody.

The picture and the memory of the newest tick are read, and decided from once more in a thread; nothing is stored, told
or sent, and the balancer's own memory stays as it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from gateway.model.circuits import Amps
from gateway.operations.explain_load import describe_circuit
from gateway.operations.limits_for_a_time import MOST_NUMBER, LimitMistake
from gateway.operations.load_now import Tick
from gateway.operations.site import Site
from gateway.rules.load_what_if import WhatIf, imagine, lowered

Document = dict[str, object]

FIELDS = ("circuit", "limit_amps", "lose_amps")


async def imagine_limit(site: Site, fields: Mapping[str, object]) -> Document | tuple[LimitMistake, ...] | None:
    """The answer, or every mistake in the question; None: nothing has been decided yet."""
    tick = site.load.tick
    if tick is None:
        return None
    circuit, amps, mistakes = _read(tick, fields)
    if mistakes or amps is None:
        return tuple(mistakes)
    wanted = lowered(tick.decision, circuit, amps) if "lose_amps" in fields else amps
    # as much work as a decision: beside the loop, where stations are answered
    return _document(await asyncio.to_thread(imagine, tick.picture, tick.before, tick.decision, circuit, wanted))


def _read(tick: Tick, fields: Mapping[str, object]) -> tuple[str, Amps | None, list[LimitMistake]]:
    mistakes = [LimitMistake(name, f"unknown; known are {', '.join(FIELDS)}") for name in fields if name not in FIELDS]
    names = sorted(each.name for each in tick.decision.circuits)
    circuit = fields.get("circuit")
    if not isinstance(circuit, str) or circuit not in names:
        mistakes.append(LimitMistake("circuit", f"expected one of {', '.join(names)}"))
    if ("limit_amps" in fields) == ("lose_amps" in fields):
        mistakes.append(LimitMistake("limit_amps", "expected either limit_amps or lose_amps"))
        return str(circuit), None, mistakes
    name = "limit_amps" if "limit_amps" in fields else "lose_amps"
    amps = _three(fields[name])
    if amps is None:
        mistakes.append(LimitMistake(name, "expected a number of 0 or more, or three of them"))
    return str(circuit), amps, mistakes


def _three(told: object) -> Amps | None:
    values = list(told) if isinstance(told, list) else [told] * 3
    numbers = [
        float(value)
        for value in values
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < MOST_NUMBER
    ]
    return (numbers[0], numbers[1], numbers[2]) if len(values) == len(numbers) == 3 else None


def _document(answer: WhatIf) -> Document:
    return {
        "circuits": [
            {**describe_circuit(each), "planned_amps": list(answer.planned_amps[each.name])} for each in answer.circuits
        ],
        "stations": [
            {
                "station": each.station,
                "connector": each.connector,
                "charging": each.charges,
                "limit_amps_now": each.amps_now,
                "limit_amps_then": each.amps_then,
                "reason": each.reason,
            }
            for each in answer.connectors
        ],
        "text": answer.text,
    }
