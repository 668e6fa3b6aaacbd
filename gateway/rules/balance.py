"""One tick of load limits: `decide(picture, memory) -> (memory, decision)`.

Puts the questions in their order: what are the limits, how do cars behave, what must be assumed, who shall have what,
what is sent now, how is that told. The same picture and memory give the same decision to the last bit, whatever the
order of the picture's parts. Knows no clock, no station and no OCPP.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from gateway.model.circuits import PHASES, Amps, Circuit, Outlet, circuits_above, supply_phases
from gateway.model.load_decision import Decision, Stop
from gateway.model.load_memory import CircuitMemory, ConnectorMemory, Memory, SurplusMemory
from gateway.model.site_picture import ConnectorFacts, MeterReading, SitePicture
from gateway.rules.background_load import Background, believable, judge_background
from gateway.rules.charging_cars import least_amps, observe_car
from gateway.rules.limit_changes import Standing, changes_of, writes_now
from gateway.rules.load_rows import Rows, rows_of
from gateway.rules.load_sharing import Balance, Car, Plan, Surplus, plan_shares
from gateway.rules.load_words import Told, sharing_of, tell
from gateway.rules.phase_switching import choose_lines, is_switching, settled_lines
from gateway.rules.safe_assumptions import (
    draw_bounds,
    drawn_amps,
    falling_lease_seconds,
    hold_seconds,
    used_lines,
    worst_amps,
)
from gateway.rules.solar_surplus import surplus_now

MARGIN_AMPS, GUARD_AMPS = 1.0, 2.0  # on metered circuits; what is not measured has no measuring error
UNMETERED_GUARD_AMPS = 0.5
FIXED_AFTER_SECONDS = 15.0  # without an answer: others make room
SHED_SECONDS, SHED_NEXT_SECONDS, STOP_SECONDS, STOP_NEXT_SECONDS = 30.0, 5.0, 60.0, 30.0
CLEARLY_OVER_SHARE = 1.13  # by cars' currents, of which a tenth too much each is borne; no breaker trips by less
DRAWING_AMPS = 1.0
_NO_LIMIT_FOLLOWED = "its station follows no limit and a circuit is overloaded"


def decide(picture: SitePicture, memory: Memory) -> tuple[Memory, Decision]:
    """The decision of this tick, and what to remember for the next one."""
    at = picture.at_seconds
    rows = rows_of(picture.circuits, picture.limits, picture.now)
    readings = {reading.circuit: reading for reading in sorted(picture.readings, key=lambda each: -each.age_seconds)}
    cars = _cars(picture, memory, rows)
    backgrounds = _backgrounds(rows, readings, cars, memory, at)
    surplus_memory, surplus = _surplus(rows, readings, backgrounds, cars, memory.surplus, at)
    room, guard = _room(rows, backgrounds)
    circuits = {
        name: _overload(rows, name, readings.get(name), cars, backgrounds[name].memory, at) for name in rows.circuits
    }
    plan = plan_shares(
        cars,
        [free - kept for free, kept in zip(room, guard, strict=True)],
        at=at,
        surplus=surplus,
        shed=_shed(rows, circuits, cars, at),
        balances=_balances(rows, cars),
    )
    cars = choose_lines(cars, rows, plan, at)
    hold = hold_seconds(picture.outlets)
    standings = [_standing(car, plan, hold=hold, at=at) for car in cars]
    sends = changes_of(standings, room, guard)
    connectors = {car.key: _remember(car, standing, at) for car, standing in zip(cars, standings, strict=True)}
    by_key = {each.key: each for each in standings}
    told = Told(rows, readings, backgrounds, circuits, cars, plan, by_key, at, sharing_of(rows, cars, plan))
    connector_decisions, circuit_decisions, alarms = tell(told)
    stops = _stops(rows, circuits, cars, at)
    decision = Decision(connector_decisions, circuit_decisions, sends, stops, alarms)
    return Memory(connectors, circuits, surplus_memory), decision


def _cars(picture: SitePicture, memory: Memory, rows: Rows) -> list[Car]:
    """Every outlet with what is known and assumed of it, by key."""
    known = {(facts.station, facts.connector): facts for facts in picture.connectors}
    hold = hold_seconds(picture.outlets)
    return [
        _car(
            outlet,
            known.get((outlet.station, outlet.connector)),
            memory.connectors.get(outlet.key, ConnectorMemory()),
            rows,
            hold=hold,
            at=picture.at_seconds,
        )
        for outlet in sorted(picture.outlets, key=lambda outlet: outlet.key)
    ]


def _car(
    outlet: Outlet, facts: ConnectorFacts | None, before: ConnectorMemory, rows: Rows, *, hold: float, at: float
) -> Car:
    memory = observe_car(outlet, facts, before, hold=hold, at=at)
    lease = facts.lease if facts is not None else None
    waiting = lease is not None and lease.pending_amps is not None
    since = (at if memory.waiting_since is None else memory.waiting_since) if waiting else None
    memory = memory._replace(waiting_since=since)
    worst = worst_amps(outlet, facts, memory, hold)
    if memory.number_phases is not None:
        memory = settled_lines(outlet, facts, memory, worst=worst, at=at)
    active = facts is not None and facts.connected and facts.session is not None
    silent = since is not None and at - since >= FIXED_AFTER_SECONDS
    refused = lease is not None and lease.refused
    fixed = active and (outlet.mode == "D" or memory.defiant or refused or silent)
    phases = supply_phases(outlet.phase_rotation)
    lines = used_lines(outlet, facts, memory)
    return Car(
        key=outlet.key,
        outlet=outlet,
        facts=facts,
        memory=memory,
        drawn=drawn_amps(outlet, facts),
        least_amps=least_amps(outlet, memory),
        phases=tuple(sorted(phases[line] for line in lines)),
        rows=rows.loaded_by(outlet, lines),
        worst_amps=worst,
        cap_amps=_cap(facts, memory, worst),
        active=active,
        fixed=fixed,
        revocable=facts is not None and facts.connected and not active and lease is not None and outlet.mode in "BC",
    )


def _cap(facts: ConnectorFacts | None, memory: ConnectorMemory, worst: float) -> float:
    """The newest limit sent; where none is known to hold, what the connector may draw without."""
    lease = facts.lease if facts is not None else None
    if lease is None or lease.ends_in_seconds <= 0:
        return worst
    if lease.pending_amps is not None:
        return lease.pending_amps if memory.cap_amps is None else memory.cap_amps
    return worst if lease.accepted_amps is None else lease.accepted_amps


def _backgrounds(
    rows: Rows, readings: Mapping[str, MeterReading], cars: Sequence[Car], memory: Memory, at: float
) -> dict[str, Background]:
    """By circuit, innermost first: what is not measured above is at least what is assumed below."""
    bounds = {name: ([0.0, 0.0, 0.0], [0.0, 0.0, 0.0]) for name in rows.circuits}
    for car in cars:
        least, most = draw_bounds(car.outlet, car.facts, car.memory, drawn=car.drawn, worst=car.worst_amps)
        for name in circuits_above(rows.circuits, car.outlet.circuit):
            for phase in PHASES:
                bounds[name][0][phase] += least[phase]
                bounds[name][1][phase] += most[phase]
    below = {name: [0.0, 0.0, 0.0] for name in rows.circuits}
    found: dict[str, Background] = {}
    for name in sorted(rows.circuits, key=lambda each: (-len(circuits_above(rows.circuits, each)), each)):
        circuit = rows.circuits[name]
        floor = circuit.background_worst_amps
        worst: Amps = (
            max(floor[0], below[name][0]),
            max(floor[1], below[name][1]),
            max(floor[2], below[name][2]),
        )
        found[name] = judge_background(
            circuit,
            readings.get(name),
            memory.circuits.get(name, CircuitMemory()),
            cars=bounds[name],
            worst=worst,
            at=at,
        )
        if circuit.parent in below:
            for phase in PHASES:
                below[circuit.parent][phase] += found[name].amps[phase]
    return found


def _room(rows: Rows, backgrounds: Mapping[str, Background]) -> tuple[list[float], list[float]]:
    """By row: what all connectors together may have, and how much of it increases leave free."""
    room, guard = [], []
    for row in rows.rows:
        metered = rows.circuits[row.circuit].metered
        margin = MARGIN_AMPS if metered else 0.0
        room.append(row.limit_amps - margin - backgrounds[row.circuit].amps[row.phase])
        guard.append(GUARD_AMPS if metered else UNMETERED_GUARD_AMPS)
    return room, guard


def _surplus(
    rows: Rows,
    readings: Mapping[str, MeterReading],
    backgrounds: Mapping[str, Background],
    cars: Sequence[Car],
    memory: SurplusMemory,
    at: float,
) -> tuple[SurplusMemory, Surplus]:
    eco = [car for car in cars if car.outlet.eco and car.active]
    roots = [circuit for circuit in rows.circuits.values() if circuit.parent is None and circuit.metered]
    fed_out: list[float] = []
    for circuit in roots:
        amps = believable(readings.get(circuit.name), circuit)
        if amps is not None and backgrounds[circuit.name].mode == "normal":
            fed_out.append(-sum(amps))
    return surplus_now(eco, fed_out, memory, at)


def _overload(
    rows: Rows, name: str, reading: MeterReading | None, cars: Sequence[Car], memory: CircuitMemory, at: float
) -> CircuitMemory:
    """Since when each phase has carried more than the limit: by its meter, else clearly more by the cars' own currents.

    No reading of a meter that should be there takes nothing back.
    """
    circuit: Circuit = rows.circuits[name]
    shown = believable(reading, circuit) if circuit.metered else None
    since = list(memory.over_since)
    for phase in PHASES:
        row = rows.first[name] + phase
        limit = rows.rows[row].limit_amps
        over = _drawn_on(row, phase, cars) > CLEARLY_OVER_SHARE * limit if shown is None else shown[phase] > limit
        if over:
            since[phase] = at if since[phase] is None else since[phase]
        elif shown is not None or not circuit.metered:
            since[phase] = None
    return replace(memory, over_since=(since[0], since[1], since[2]))


def _drawn_on(row: int, phase: int, cars: Sequence[Car]) -> float:
    """What cars are measured to draw on this row; who is not measured counts as nothing."""
    drawn = 0.0
    for car in cars:
        if row in car.rows and car.drawn is not None:
            drawn += car.drawn[supply_phases(car.outlet.phase_rotation).index(phase)]
    return drawn


def _overloaded(rows: Rows, circuits: Mapping[str, CircuitMemory], at: float, seconds: float) -> set[int]:
    return {
        rows.first[name] + phase
        for name, memory in circuits.items()
        for phase in PHASES
        if (since := memory.over_since[phase]) is not None and at - since >= seconds
    }


def _shed(rows: Rows, circuits: Mapping[str, CircuitMemory], cars: Sequence[Car], at: float) -> frozenset[str]:
    """Of each row that has been overloaded for long, the lowest class: one car at once, more the longer it lasts."""
    shed: set[str] = set()
    for row in _overloaded(rows, circuits, at, SHED_SECONDS):
        on_row = [car for car in cars if row in car.rows and car.shared and car.cap_amps > 0]
        count = 1 + int((_over_for(circuits, rows, row, at) - SHED_SECONDS) / SHED_NEXT_SECONDS)
        on_row.sort(key=lambda car: (car.outlet.priority, -car.cap_amps, car.key))
        shed.update(car.key for car in on_row[:count])
    return frozenset(shed)


def _stops(rows: Rows, circuits: Mapping[str, CircuitMemory], cars: Sequence[Car], at: float) -> tuple[Stop, ...]:
    """All that ignore their limit; without such, of those that cannot be limited one, and more the longer it lasts."""
    over = _overloaded(rows, circuits, at, STOP_SECONDS)
    unled = [car for car in cars if car.active and car.fixed and _is_drawing(car) and over & set(car.rows)]
    stopped = [car for car in unled if car.memory.defiant]
    if unled and not stopped:
        longest = max(_over_for(circuits, rows, row, at) for row in over)
        unled.sort(key=lambda car: (car.outlet.priority, -car.worst_amps, car.key))
        stopped = unled[: 1 + int((longest - STOP_SECONDS) / STOP_NEXT_SECONDS)]
    reasons = {True: "it ignores its limit and a circuit is overloaded", False: _NO_LIMIT_FOLLOWED}
    return tuple(Stop(car.outlet.station, car.outlet.connector, reasons[car.memory.defiant]) for car in stopped)


def _is_drawing(car: Car) -> bool:
    return car.drawn is None or max(car.drawn) >= DRAWING_AMPS


def _over_for(circuits: Mapping[str, CircuitMemory], rows: Rows, row: int, at: float) -> float:
    since = circuits[rows.rows[row].circuit].over_since[rows.rows[row].phase]
    return 0.0 if since is None else at - since


def _balances(rows: Rows, cars: Sequence[Car]) -> list[Balance]:
    return [
        Balance(frozenset(car.key for car in cars if rows.first[name] // 3 in {row // 3 for row in car.rows}), limit)
        for name, circuit in rows.circuits.items()
        if (limit := circuit.unbalance_limit_amps) is not None
    ]


def _standing(car: Car, plan: Plan, *, hold: float, at: float) -> Standing:
    outlet, facts, memory = car.outlet, car.facts, car.memory
    lease, session = (facts.lease, facts.session) if facts is not None else (None, None)
    left = lease.first_end_in_seconds if lease is not None else None
    if lease is None and session is not None:
        left = hold - session.age_seconds
    reachable = outlet.mode != "D" and (car.active or car.revocable)
    return Standing(
        key=car.key,
        station=outlet.station,
        connector=outlet.connector,
        reachable=reachable,
        fixed=car.fixed or not reachable,
        planned_amps=plan.amps[car.key],
        cap_amps=car.cap_amps,
        worst_amps=car.worst_amps,
        rows=car.rows,
        least_amps=car.least_amps,
        step_amps=outlet.step_amps,
        weight=outlet.weight,
        slow=outlet.mode == "C",
        binding=plan.held[car.key].by in ("asked", "surplus", "unbalance"),
        waiting_seconds=lease.pending_age_seconds if lease is not None and lease.pending_amps is not None else None,
        since_change=None if memory.changed_at is None else at - memory.changed_at,
        since_sent=None if memory.sent_at is None else at - memory.sent_at,
        lease_left=left,
        fallback_amps=outlet.fallback_amps,
        falling_lease=falling_lease_seconds(outlet),
        rising_lease=hold,
        number_phases=memory.number_phases,
        switch_to=car.switch_to,
        switching=memory.number_phases is not None and is_switching(memory),
        writes_left=writes_now(memory.writes_left, at - memory.writes_at, slow=outlet.mode == "C"),
    )


def _remember(car: Car, standing: Standing, at: float) -> ConnectorMemory:
    """What was sent, when it last became another limit, and what is left of the write budget."""
    memory, sent = car.memory, standing.sent
    on = car.active and standing.cap_amps >= car.least_amps
    admitted = (at if memory.admitted_since is None else memory.admitted_since) if on else None
    memory = memory._replace(admitted_since=admitted, writes_left=standing.writes_left, writes_at=at)
    if sent is None:
        return memory
    if sent.number_phases != memory.number_phases:
        memory = memory._replace(number_phases=sent.number_phases, switched_at=at, three_fit_since=None)
    changed = at if sent.kind != "renew" else memory.changed_at
    old = max(memory.old_cap_amps, car.cap_amps, sent.amps)
    spent = standing.writes_left - (0.0 if sent.kind == "renew" else 1.0)
    return memory._replace(cap_amps=sent.amps, changed_at=changed, sent_at=at, old_cap_amps=old, writes_left=spent)
