"""The meters as named loops: one for every line with its Modbus meters, one for each meter that talks by itself.

Whoever runs the loops restarts them; here is only what belongs together. Loading this file loads the libraries.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial

from gateway.meters.bus import open_line
from gateway.meters.latest import Latest
from gateway.meters.listener import listen, open_stream
from gateway.meters.plans import MeterPlan, Place
from gateway.meters.poller import poll
from gateway.model.instants import Instant


def loops_for(
    meters: Iterable[MeterPlan], latest: Latest, wall_clock: Callable[[], Instant]
) -> Mapping[str, Callable[[], Awaitable[None]]]:
    """What must run so that these meters are read, by a name for people."""
    loops: dict[str, Callable[[], Awaitable[None]]] = {}
    shared: dict[Place, list[MeterPlan]] = {}
    for meter in meters:
        if meter.model.talks_by_itself:
            loops[f"meter line {meter.place} ({meter.name})"] = partial(
                listen, meter, latest, open_stream=partial(open_stream, meter.place), wall_clock=wall_clock
            )
        else:
            shared.setdefault(meter.place, []).append(meter)
    for place, together in shared.items():
        loops[f"meter line {place}"] = partial(
            poll, together, latest, open_line=partial(open_line, place), wall_clock=wall_clock
        )
    return loops
