"""What a circuit carried, as steps for a chart; without a span the day up to the last whole minute."""

from __future__ import annotations

from gateway.model.instants import SECOND, Instant
from gateway.operations.site import Site
from gateway.rules.circuit_history import MINUTE, steps_between
from gateway.store import reports_circuit_history

Document = dict[str, object]

_DAY = 86_400 * SECOND


async def describe_history(
    site: Site, circuit: str | None, *, begin: Instant | None, end: Instant | None, points: int
) -> Document | None:
    """At most `points` steps from `begin` to before `end`; None: there is no such circuit.

    No `circuit`: the first of the configuration that no other feeds.
    """
    names = [one.name for one in site.configuration.circuits]
    if circuit is None:
        circuit = next((one.name for one in site.configuration.circuits if one.parent is None), None)
    if circuit is None or circuit not in names:
        return None
    if end is None:  # the minute that runs is not written yet
        end = Instant(site.wall_clock() // MINUTE * MINUTE)
    if begin is None:
        begin = Instant(max(0, end - _DAY))
    steps = steps_between(begin, end, points=points)
    items = await reports_circuit_history.steps_of(site.readers, circuit, steps)
    return {"circuit": circuit, "step_seconds": steps.length * 60, "items": items}
