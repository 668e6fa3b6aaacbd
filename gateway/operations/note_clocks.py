"""Notes what stations' clocks show, for load limits: a lease begins and ends by the clock of its station.

When a clock turns out to be another than was thought, or ours was set, what that station was told may have run out, or
not begun: it counts as possibly lost, and is sent again at once. Which messages are believed is a rule. True only while
the gateway runs; what people are shown is stored elsewhere (`answer_notices`).
"""

from __future__ import annotations

import logging

from gateway.model.identities import StationId
from gateway.model.instants import Instant
from gateway.operations.load_now import LimitNews, LoadNow
from gateway.operations.site import Site
from gateway.rules.station_clocks import StationClock, clock_after, ours_was_set

logger = logging.getLogger(__name__)

_STEP_SECONDS = 5.0


def note_clock(site: Site, station: StationId, told: Instant, came: Instant) -> None:
    """A message with the time `told` came. Only where circuits are configured."""
    if not site.configuration.circuits:
        return
    known = site.load.clocks.get(station, StationClock())
    site.load.clocks[station] = now = clock_after(known, told, came)
    if now.ahead_ms != known.ahead_ms:
        logger.info("%s: its clock is %.1f s ahead", station, now.ahead_ms / 1000, extra={"station": station})
        site.load.tell_limits(LimitNews(station, "lease_lost"))


def ahead_ms(load: LoadNow, station: StationId) -> int:
    """How far the station's clock is ahead of ours."""
    return load.clocks.get(station, StationClock()).ahead_ms


def heed_own_clock(load: LoadNow, *, wall_seconds: float, loop_seconds: float) -> None:
    """So much time has passed by the wall clock, and by one that never jumps."""
    step = wall_seconds - loop_seconds
    if abs(step) < _STEP_SECONDS:
        return
    logger.warning("the clock was set by %.0f s; limits are sent again", step)
    for station in {station for station, _ in load.outlets} | load.clocks.keys():
        load.clocks[station] = ours_was_set(load.clocks.get(station, StationClock()), step)
        load.tell_limits(LimitNews(station, "lease_lost"))
