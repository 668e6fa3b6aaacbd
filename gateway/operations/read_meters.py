"""The loops that read the site's meters. The door's libraries are loaded here, in a thread, if there is a meter."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Awaitable, Callable, Mapping

from gateway.operations.plan_meters import Unreadable, plan_of
from gateway.operations.site import Site


async def loops_of(site: Site) -> Mapping[str, Callable[[], Awaitable[None]]]:
    """The loops that read the site's meters; a meter that cannot be read is noted and left out."""
    module = await asyncio.to_thread(importlib.import_module, "gateway.meters.loops")
    plans = []
    for meter in site.configuration.meters:
        try:
            plans.append(plan_of(meter))
        except Unreadable as reason:
            site.meters.failed(meter.name, "configuration", f"{reason.key}: expected {reason}")
    loops: Mapping[str, Callable[[], Awaitable[None]]] = module.loops_for(plans, site.meters, site.wall_clock)
    return loops
