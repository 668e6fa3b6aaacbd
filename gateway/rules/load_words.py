"""How a decision is told: every connector's limit with its reason, every circuit's sums, alarms; data and words.

Decides nothing about limits. Statement S1 (allotted and background stay within the limit) is checked here, on the
numbers as they are after this tick's sends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.model.circuits import PHASES, Amps, supply_phases
from gateway.model.load_decision import Alarm, Binding, CircuitDecision, CircuitMode, ConnectorDecision
from gateway.model.load_memory import CircuitMemory
from gateway.model.site_picture import MeterReading
from gateway.rules.background_load import Background, believable
from gateway.rules.limit_changes import Standing
from gateway.rules.load_rows import INSTALLER, Rows
from gateway.rules.load_sharing import Car, Held, Plan
from gateway.rules.safe_assumptions import unled_amps

OVERLOAD_TOLD_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Told:
    """All that was found out in this tick."""

    rows: Rows
    readings: Mapping[str, MeterReading]
    backgrounds: Mapping[str, Background]
    memories: Mapping[str, CircuitMemory]
    cars: Sequence[Car]
    plan: Plan
    standings: Mapping[str, Standing]
    at: float
    sharing: Sequence[int]  # by row, how many connectors have something on it


def sharing_of(rows: Rows, cars: Sequence[Car], plan: Plan) -> list[int]:
    """By row, how many connectors shall have something on it."""
    counts = [0] * len(rows.rows)
    for car in cars:
        if plan.amps[car.key] > 0:
            for row in car.rows:
                counts[row] += 1
    return counts


def tell(told: Told) -> tuple[tuple[ConnectorDecision, ...], tuple[CircuitDecision, ...], tuple[Alarm, ...]]:
    """Connectors, circuits and alarms of a decision, each by name."""
    circuits = tuple(_circuit(told, name) for name in sorted(told.rows.circuits))
    return tuple(_connector(told, car) for car in told.cars), circuits, _alarms(told, circuits)


def _connector(told: Told, car: Car) -> ConnectorDecision:
    standing = told.standings[car.key]
    return ConnectorDecision(
        station=car.outlet.station,
        connector=car.outlet.connector,
        planned_amps=told.plan.amps[car.key],
        cap_amps=standing.cap_amps,
        worst_amps=standing.worst_amps,
        phases=tuple(phase + 1 for phase in car.phases),
        measured_amps=_measured(car),
        compliant=not car.memory.defiant,
        satisfied=car.memory.satisfied,
        binding=_binding(told, car, told.plan.held[car.key]),
    )


def _measured(car: Car) -> Amps | None:
    if car.drawn is None:
        return None
    by_phase = dict(zip(supply_phases(car.outlet.phase_rotation), car.drawn, strict=True))
    return by_phase.get(0, 0.0), by_phase.get(1, 0.0), by_phase.get(2, 0.0)


def _binding(told: Told, car: Car, held: Held) -> Binding:
    if held.row is not None:
        return _binding_of_row(told, car, held.row, held.by)
    if held.by == "fixed":
        return _binding_of_fixed(car)
    if held.by == "idle":
        return _binding_of_idle(car)
    planned = told.plan.amps[car.key]
    return Binding(
        held.by,
        {
            "outlet": f"it has all that the outlet gives: {planned:g} A",
            "demand": f"its car takes less than it may; {planned:g} A leave it some room to take more",
            "asked": f"a charging profile that somebody set allows it no more than {planned:g} A",
            "satisfied": f"its car takes nothing; it keeps {planned:g} A as long as nobody needs them",
            "surplus": "it charges from surplus alone, and there is no more",
            "unbalance": "more would load the phases too unequally",
            "shed": "a circuit has been overloaded for too long; the lowest class waits",
        }[held.by],
    )


def _binding_of_row(told: Told, car: Car, place: int, by: str) -> Binding:
    row = told.rows.rows[place]
    background = told.backgrounds[row.circuit].amps[row.phase]
    sharing = told.sharing[place]
    name, phase = row.circuit, row.phase + 1
    sums = f"of {row.limit_amps:g} A ({row.source}), {background:.1f} A are not managed"
    if by == "room":
        text = f"{name}, phase {phase} has no room for the {car.least_amps:g} A it needs: {sums}; {sharing} charge"
    else:
        text = f"{name}, phase {phase} is shared by {sharing}: {sums}"
    return Binding(row.source, text, name, phase)


def _binding_of_fixed(car: Car) -> Binding:
    worst = f"{car.worst_amps:g} A are kept for it"
    if car.outlet.mode == "D":
        return Binding("unlimited", f"the station follows no limit; {worst}")
    if car.memory.defiant:
        return Binding("ignored", f"it draws more than its limit of {car.cap_amps:g} A; {worst}")
    return Binding("unconfirmed", f"the station has not accepted its newest limit; {worst}")


def _binding_of_idle(car: Car) -> Binding:
    if car.facts is None or not car.facts.connected:
        return Binding("fallback", f"the station is not connected; {car.worst_amps:g} A are kept for it")
    return Binding("idle", "no session is running")


def _circuit(told: Told, name: str) -> CircuitDecision:
    circuit, first = told.rows.circuits[name], told.rows.first[name]
    rows = told.rows.rows[first : first + 3]
    background = told.backgrounds[name]
    allotted = [
        sum(told.standings[car.key].worst_amps for car in told.cars if first + phase in car.rows) for phase in PHASES
    ]
    headroom = [rows[phase].limit_amps - background.amps[phase] - allotted[phase] for phase in PHASES]
    lowered = [row for row in rows if row.source != INSTALLER]
    reading = told.readings.get(name)
    return CircuitDecision(
        name=name,
        parent=circuit.parent,
        limit_amps=circuit.limit_amps,
        effective_limit_amps=(rows[0].limit_amps, rows[1].limit_amps, rows[2].limit_amps),
        source=min(lowered or rows, key=lambda row: row.limit_amps).source,
        measured_amps=believable(reading, circuit) if circuit.metered else None,
        background_amps=background.amps,
        allotted_amps=(allotted[0], allotted[1], allotted[2]),
        headroom_amps=(headroom[0], headroom[1], headroom[2]),
        mode=_mode(told, name),
        within_limit=min(headroom) >= -1e-6,
    )


def _mode(told: Told, name: str) -> CircuitMode:
    background, first = told.backgrounds[name], told.rows.first[name]
    if background.mode != "bound":
        return background.mode
    for phase in PHASES:
        fallbacks = sum(unled_amps(car.outlet, car.facts) for car in told.cars if first + phase in car.rows)
        if fallbacks + background.amps[phase] > told.rows.rows[first + phase].limit_amps:
            return "floor"
    return "bound"


def _alarms(told: Told, circuits: Sequence[CircuitDecision]) -> tuple[Alarm, ...]:
    alarms = []
    for circuit in circuits:
        over = [since for since in told.memories[circuit.name].over_since if since is not None]
        if over and told.at - min(over) >= OVERLOAD_TOLD_SECONDS:
            alarms.append(Alarm("over_limit", circuit.name, f"{circuit.name} carries more than its limit"))
        if not circuit.within_limit:
            text = f"{circuit.name}: worst case above the limit by {-min(circuit.headroom_amps):.1f} A, being lowered"
            alarms.append(Alarm("limit_at_risk", circuit.name, text))
        if circuit.mode in ("bound", "floor"):
            text = f"{circuit.name}: no meter reading to be believed; the worst background is assumed"
            alarms.append(Alarm("meter_missing", circuit.name, text))
    for car in told.cars:
        if car.memory.defiant:
            alarms.append(Alarm("station_ignores_limit", car.key, _binding_of_fixed(car).text))
        if car.facts is not None and not car.facts.connected:
            alarms.append(Alarm("station_offline", car.key, _binding_of_idle(car).text))
    return tuple(alarms)
