"""What every car shall have: who is let in, the shares of those, and what the satisfied get of the rest.

Decides the plan that limits are moved towards step by step (`rules.limit_changes`), and for every connector what holds
it down. What cannot be changed now (silent stations, those that do not obey) is taken out of the room first; cars that
take nothing get only what is left when the others have their shares.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import inf

from gateway.model.circuits import VOLTS, Outlet
from gateway.model.load_memory import ConnectorMemory
from gateway.model.site_picture import ConnectorFacts
from gateway.rules.charging_cars import most_amps
from gateway.rules.known_departures import UNKNOWN, Need, need_of
from gateway.rules.load_allocation import HAIR, Admission, Candidate, Wish, admit, even_out, share_out, whole_steps

PLANNED_STEP_AMPS = 0.5
DWELL_SECONDS = 900.0  # who was let in stays in for so long, within its class
CHARGING_BONUS_WH = 1500.0
EXTRA_TO_START_AMPS = 3.0


@dataclass(frozen=True, slots=True)
class Car:
    """A connector in this tick. `fixed`: its worst case is reserved as it is, nothing is planned for it."""

    key: str  # its outlet's
    outlet: Outlet
    facts: ConnectorFacts | None
    memory: ConnectorMemory
    drawn: tuple[float, ...] | None  # by line, where a fresh measurement says so
    least_amps: float  # with less it does not charge
    phases: tuple[int, ...]  # supply phases it loads
    rows: tuple[int, ...]
    worst_amps: float
    cap_amps: float
    active: bool  # connected, with a session
    fixed: bool
    revocable: bool = False  # no session, but a limit that outlives sessions and can be taken back
    switch_to: int | None = None  # the number of lines it is to change to now

    @property
    def shared(self) -> bool:
        """Whether something is to be planned for it."""
        return self.active and not self.fixed


@dataclass(frozen=True, slots=True)
class Surplus:
    """What the site feeds out: amperes of all phases together, and whether eco cars may use it."""

    amps: float = 0.0
    on: bool = False


@dataclass(frozen=True, slots=True)
class Held:
    """What keeps a connector from more. `row` where it is a row."""

    by: str  # row, room, outlet, demand, asked, satisfied, surplus, unbalance, shed, fixed, idle
    row: int | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """Planned amperes and what holds them down, by outlet key; by row what is left beside the least of all let in."""

    amps: dict[str, float]
    held: dict[str, Held]
    spare: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Balance:
    """A limit on how unequal the phases below a circuit may be: keys of the outlets below it, and amperes."""

    keys: frozenset[str]
    limit_amps: float


def plan_shares(
    cars: Sequence[Car],
    room: Sequence[float],
    *,
    at: float,
    surplus: Surplus = Surplus(),
    shed: frozenset[str] = frozenset(),
    balances: Sequence[Balance] = (),
) -> Plan:
    """The plan for all connectors; `room` by row is what all of them together may have."""
    plan = Plan({}, {})
    left = list(room)
    for car in cars:
        _plan_without_share(plan, left, car, shed)
    shared = [car for car in cars if car.key not in plan.amps]
    hungry = [car for car in shared if not car.memory.satisfied and (surplus.on or not car.outlet.eco)]
    needs = {car.key: _need(car) for car in hungry}
    admission = admit([_candidate(car, needs[car.key], at) for car in hungry], left)
    plan.spare.extend(admission.left)
    let_in = [car for car in hungry if car.key in admission.admitted]
    _share(plan, let_in, admission.admitted, needs, left, surplus)
    _level_phases(plan, cars, balances)
    for car in hungry:
        _take(left, car, plan.amps.get(car.key, 0.0))
    resting = [car for car in shared if car.memory.satisfied and (surplus.on or not car.outlet.eco)]
    rest = admit([_candidate(car, UNKNOWN, at) for car in resting], left)
    for car in resting:
        if car.key in rest.admitted:
            plan.amps[car.key], plan.held[car.key] = car.least_amps, Held("satisfied")
    for car in shared:
        if car.key not in plan.amps:
            plan.amps[car.key], plan.held[car.key] = 0.0, _refusal(car, admission, rest)
    return plan


def _plan_without_share(plan: Plan, left: list[float], car: Car, shed: frozenset[str]) -> None:
    if car.shared:
        by = "shed" if car.key in shed else "asked" if _asked_amps(car) < car.least_amps else None
        if by is not None:
            plan.amps[car.key], plan.held[car.key] = 0.0, Held(by)
        return
    if not car.revocable:
        _take(left, car, car.worst_amps)
    plan.amps[car.key] = car.cap_amps if car.fixed else 0.0
    plan.held[car.key] = Held("fixed" if car.fixed else "idle")


def _need(car: Car) -> Need:
    session = car.facts.session if car.facts is not None else None
    if session is None or session.departure_in_seconds is None:
        return UNKNOWN
    return need_of(
        departure_in_seconds=session.departure_in_seconds,
        wanted_wh=session.wanted_wh,
        got_wh=session.energy_wh,
        most_amps=min(most_amps(car.outlet, car.memory), _asked_amps(car)),
        volts=VOLTS * len(car.phases),
    )


def _candidate(car: Car, need: Need, at: float) -> Candidate:
    memory, session = car.memory, car.facts.session if car.facts is not None else None
    charging = car.cap_amps >= car.least_amps
    rank = car.outlet.priority + (1 if car.outlet.no_resume and memory.admitted_since is not None else 0)
    dwelling = charging and memory.admitted_since is not None and at - memory.admitted_since < DWELL_SECONDS
    energy = (session.energy_wh if session is not None else 0.0) - (CHARGING_BONUS_WH if charging else 0.0)
    age = session.age_seconds if session is not None else 0.0
    order = (-float(rank), 0.0 if dwelling else 1.0, *need.order, energy, -age)
    return Candidate(car.key, order, car.least_amps, car.rows, 0.0 if charging else EXTRA_TO_START_AMPS, need.amps)


def _share(
    plan: Plan,
    cars: Sequence[Car],
    least: Mapping[str, float],
    needs: Mapping[str, Need],
    left: Sequence[float],
    surplus: Surplus,
) -> None:
    eco = [car for car in cars if car.outlet.eco]
    soft = len(left)  # one more row: the surplus, as long as it covers what they need at least
    needed = sum(car.least_amps * len(car.phases) for car in eco)
    wishes = [
        Wish(
            car.key,
            least[car.key],
            min(most_amps(car.outlet, car.memory), _asked_amps(car)),
            car.rows + ((soft,) * len(car.phases) if car.outlet.eco else ()),
            car.outlet.weight * needs[car.key].factor,
        )
        for car in cars
    ]
    shares = share_out(wishes, [*left, max(surplus.amps, needed)])
    for car in cars:
        share, step = shares[car.key], max(PLANNED_STEP_AMPS, car.outlet.step_amps)
        plan.amps[car.key] = max(car.least_amps, whole_steps(share.amps, step))
        if share.row is not None:
            plan.held[car.key] = Held("surplus") if share.row == soft else Held("row", share.row)
        else:
            plan.held[car.key] = Held(_own_bound(car))


def _asked_amps(car: Car) -> float:
    """Up to where people let it charge; as a rule they say nothing."""
    asked = car.facts.asked_amps if car.facts is not None else None
    return inf if asked is None else asked


def _own_bound(car: Car) -> str:
    """What bounds a car that no row holds down."""
    if _asked_amps(car) < most_amps(car.outlet, car.memory):
        return "asked"
    return "outlet" if car.memory.demand_amps is None else "demand"


def _level_phases(plan: Plan, cars: Sequence[Car], balances: Sequence[Balance]) -> None:
    for balance in balances:
        on_few = [car for car in cars if car.key in balance.keys and car.shared and len(car.phases) < 3]
        before = {car.key: plan.amps.get(car.key, 0.0) for car in on_few}
        floors = {car.key: car.least_amps for car in on_few}
        after = even_out(before, floors, {car.key: car.phases for car in on_few}, balance.limit_amps)
        for car in on_few:
            if after[car.key] < before[car.key] - HAIR:
                step = max(PLANNED_STEP_AMPS, car.outlet.step_amps)
                lowered = whole_steps(after[car.key], step)
                least = car.least_amps if after[car.key] > 0 else 0.0
                plan.amps[car.key] = max(least, lowered)
                plan.held[car.key] = Held("unbalance")


def _take(left: list[float], car: Car, amps: float) -> None:
    for row in car.rows:
        left[row] -= amps


def _refusal(car: Car, admission: Admission, rest: Admission) -> Held:
    row: Mapping[str, int] = admission.refused | rest.refused
    return Held("room", row[car.key]) if car.key in row else Held("surplus")
