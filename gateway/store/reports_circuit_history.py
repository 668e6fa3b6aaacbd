"""The history of a circuit for charts: extremes of steps, and nothing where nothing is known."""

from __future__ import annotations

from gateway.model.instants import Instant, text_of
from gateway.rules.circuit_history import MINUTE, Steps
from gateway.store.readers import Readers

Document = dict[str, object]

_STEPS = """
    SELECT (minute - ?2) / ?3, min(limit_1_ma), min(limit_2_ma), min(limit_3_ma),
           max(measured_1_ma), max(measured_2_ma), max(measured_3_ma),
           max(allotted_1_ma), max(allotted_2_ma), max(allotted_3_ma)
    FROM circuit_history WHERE circuit = ?1 AND minute >= ?2 AND minute < ?4 GROUP BY 1"""
_MEMBERS = ("limit_amps", "measured_amps", "allotted_amps")


async def steps_of(readers: Readers, circuit: str, steps: Steps) -> list[Document]:
    """Every step, oldest first: `time`, `limit_amps`, `measured_amps` and `allotted_amps` (three of each or None)."""
    end = steps.first + steps.length * steps.number
    rows = await readers.rows(_STEPS, (circuit, steps.first, steps.length, end))
    found = {row[0]: tuple(row)[1:] for row in rows}
    nothing = (None,) * 9
    return [_document(steps, number, found.get(number, nothing)) for number in range(steps.number)]


def _document(steps: Steps, number: int, values: tuple[int | None, ...]) -> Document:
    begin = Instant((steps.first + number * steps.length) * MINUTE)
    parts = (values[0:3], values[3:6], values[6:9])
    return {"time": text_of(begin), **{name: _amps(part) for name, part in zip(_MEMBERS, parts, strict=True)}}


def _amps(values: tuple[int | None, ...]) -> list[float | None] | None:
    if all(value is None for value in values):
        return None
    return [None if value is None else value / 1000 for value in values]
