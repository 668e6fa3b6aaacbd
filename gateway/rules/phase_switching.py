"""Charging on one line where three have no room: when to change over, and when the change counts as made.

A change is only ever made at 0 A: the limit goes to 0 with the other number of lines, and only when that is accepted
and has settled does the connector count on the other lines. So at no moment can it draw on both. Where the outlet has a
fallback, all its lines are reserved for that anyway and nothing would be won. One line is L1: OCPP 1.6 has no word for
another; a current measured on a further line ends the matter for this session. Knows nothing of surplus.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gateway.model.circuits import Outlet
from gateway.model.load_memory import ConnectorMemory
from gateway.model.site_picture import ConnectorFacts
from gateway.rules.charging_cars import LINE_IN_USE_AMPS
from gateway.rules.load_rows import Rows
from gateway.rules.load_sharing import EXTRA_TO_START_AMPS, Car, Plan
from gateway.rules.safe_assumptions import ALL_LINES, SETTLE_SECONDS, drawn_amps

ONE_LINE = (0,)
STABLE_SECONDS = 600.0  # so long three lines must have room before a car goes back to them
BETWEEN_SWITCHES_SECONDS = 300.0


def settled_lines(
    outlet: Outlet, facts: ConnectorFacts | None, memory: ConnectorMemory, *, worst: float, at: float
) -> ConnectorMemory:
    """Whether the connector counts on one line from now on, or on all again."""
    lease = facts.lease if facts is not None else None
    if facts is None or lease is None:
        return memory
    if lease.refused:
        kept = None if memory.single_since is None else 1
        return memory._replace(number_phases=kept, switch_failed=True)
    if memory.single_since is not None and at - facts.measured_age_seconds > memory.single_since:
        further = (drawn_amps(outlet, facts) or ONE_LINE)[1:]
        if any(amps > LINE_IN_USE_AMPS for amps in further):
            return memory._replace(number_phases=None, single_since=None, switch_failed=True)
    accepted_at = at - lease.accepted_age_seconds
    told = memory.switched_at is not None and accepted_at > memory.switched_at and lease.accepted_amps == 0
    if not told or worst > 0 or lease.pending_amps is not None or lease.accepted_age_seconds < SETTLE_SECONDS:
        return memory
    if memory.number_phases != 1:
        return memory._replace(single_since=None)
    return memory._replace(single_since=at if memory.single_since is None else memory.single_since)


def is_switching(memory: ConnectorMemory) -> bool:
    """Whether the station was told another number of lines than the connector counts on."""
    return memory.number_phases is not None and (memory.number_phases == 1) != (memory.single_since is not None)


def choose_lines(cars: Sequence[Car], rows: Rows, plan: Plan, at: float) -> list[Car]:
    """The cars, each with the number of lines it is to change to now, if any."""
    spare = list(plan.spare)
    return [_chosen(car, rows, plan, spare, at) if car.outlet.switches_phases else car for car in cars]


def _chosen(car: Car, rows: Rows, plan: Plan, spare: list[float], at: float) -> Car:
    memory = car.memory
    if not _may_switch(car):
        return replace(car, memory=memory._replace(three_fit_since=None))
    rested = memory.switched_at is None or at - memory.switched_at >= BETWEEN_SWITCHES_SECONDS
    if memory.single_since is None:
        on_one = rows.loaded_by(car.outlet, ONE_LINE)
        waits = plan.held[car.key].by == "room" and car.cap_amps == 0 and car.worst_amps == 0
        wanted = car.least_amps + EXTRA_TO_START_AMPS
        if not rested or not waits or any(spare[row] < wanted for row in on_one):
            return car
        for row in on_one:
            spare[row] -= wanted
        return replace(car, switch_to=1)
    own = car.least_amps if plan.amps[car.key] > 0 else 0.0
    fit = all(
        spare[row] + (own if row in car.rows else 0.0) >= car.least_amps + EXTRA_TO_START_AMPS
        for row in rows.loaded_by(car.outlet)
    )
    since = (at if memory.three_fit_since is None else memory.three_fit_since) if fit else None
    back = since is not None and at - since >= STABLE_SECONDS and rested
    return replace(car, memory=memory._replace(three_fit_since=since), switch_to=len(ALL_LINES) if back else None)


def _may_switch(car: Car) -> bool:
    memory, outlet = car.memory, car.outlet
    wired = len(outlet.phase_rotation) == len(ALL_LINES) and outlet.fallback_amps == 0
    confirmed = car.facts is not None and car.facts.fallback_confirmed
    once_only = outlet.no_resume and memory.admitted_since is not None
    able = (
        not once_only
        and not memory.switch_failed
        and not memory.satisfied
        and (memory.lines is None or len(memory.lines) > 1)
    )
    return car.shared and wired and confirmed and able and not is_switching(memory)
