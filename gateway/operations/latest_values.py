"""What the newest stored meter values of running sessions say: power, currents and energy of those that load limits
do not watch, and of those that have told no register since the gateway started.

It reads frames whose session has been found, so it is up to a minute behind. What is old says nothing about power.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from gateway.configuration import StationSettings
from gateway.model.circuits import supply_phases
from gateway.model.instants import SECOND, Instant
from gateway.operations.describe_curve import moments_of
from gateway.operations.site import Site
from gateway.rules.session_curve import AmpsOrNone, curve_of
from gateway.store import reports_meter_values
from gateway.store.reports_meter_values import NewestFrame

_OLDEST = 900 * SECOND  # some stations measure each quarter of an hour


class Wanted(NamedTuple):
    """A running session, its register at the start, and how its station is to be read."""

    transaction_id: int
    meter_start_wh: int | None
    settings: StationSettings


class LatestValues(NamedTuple):
    """Amperes by supply phase; None: not told, or too long ago."""

    power_w: float | None
    current_amps: AmpsOrNone | None
    energy_wh: int | None


async def latest_values(site: Site, wanted: Sequence[Wanted]) -> Mapping[int, LatestValues]:
    """By transaction id, of those of which there is a frame."""
    if not wanted:
        return {}
    frames = await reports_meter_values.newest_of(site.readers, [one.transaction_id for one in wanted])
    now = site.wall_clock()
    return await asyncio.to_thread(_all_of, wanted, frames, now)


def _all_of(wanted: Sequence[Wanted], frames: Mapping[int, NewestFrame], now: Instant) -> Mapping[int, LatestValues]:
    found: dict[int, LatestValues] = {}
    for one in wanted:
        frame = frames.get(one.transaction_id)
        if frame is not None:
            found[one.transaction_id] = _of(one, frame, now)
    return found


def _of(one: Wanted, frame: NewestFrame, now: Instant) -> LatestValues:
    settings = one.settings
    points = curve_of(
        moments_of(frame.meter_values(), settings.utc_offset_minutes),
        lines=len(settings.phase_rotation),
        energy_scale=settings.energy_scale,
        meter_start_wh=one.meter_start_wh,
    )
    if not points:
        return LatestValues(None, None, None)
    newest = points[-1]
    energy_wh = next((point.energy_wh for point in reversed(points) if point.energy_wh is not None), None)
    energy_wh = None if one.meter_start_wh is None else energy_wh
    if now - frame.recorded_at > _OLDEST:
        return LatestValues(None, None, energy_wh)
    return LatestValues(newest.power_w, _by_phase(newest.current_amps, settings.phase_rotation), energy_wh)


def _by_phase(amps: AmpsOrNone | None, rotation: str) -> AmpsOrNone | None:
    """Supply phases that do not feed the station carry nothing of it."""
    if amps is None:
        return None
    by_phase: list[float | None] = [0.0, 0.0, 0.0]
    for line, phase in enumerate(supply_phases(rotation)):
        by_phase[phase] = amps[line]
    return by_phase[0], by_phase[1], by_phase[2]
