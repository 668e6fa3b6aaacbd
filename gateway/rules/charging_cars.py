"""What a car's behaviour tells: which lines it uses, how much it wants, whether it is satisfied, whether it obeys.

Decides what to remember of a connector after another look at it. A car that takes less than it may gives the rest back;
one that takes nothing for minutes is tried with a little more (some cars need 8 A to begin) and then counts as
satisfied, unless it has got next to nothing: then it is asked again; one that draws more than it may is defiant until
it obeys again. Knows nothing of circuits or other cars.
"""

from __future__ import annotations

from gateway.model.circuits import Outlet
from gateway.model.load_memory import ConnectorMemory
from gateway.model.site_picture import ConnectorFacts
from gateway.rules.safe_assumptions import drawn_amps, still_followed_amps, tolerated_amps, worst_amps

LINE_IN_USE_AMPS = 1.0
LEARN_LINES_SECONDS = 60.0
LESS_AMPS, RECLAIM_SECONDS = 2.5, 75.0
SPARE_AMPS = 2.0  # left above what a modest car draws
AT_LIMIT_AMPS = 1.0
STUBBORN_MIN_AMPS = 8.0  # some cars do not begin below
IDLE_SECONDS, SUSPENDED_SECONDS, ENOUGH_SECONDS = 120.0, 60.0, 90.0
NEXT_TO_NOTHING_WH, ASK_AGAIN_SECONDS = 1000.0, 1800.0
DEFIANT_SECONDS, OBEYING_SECONDS = 20.0, 60.0


def observe_car(
    outlet: Outlet, facts: ConnectorFacts | None, memory: ConnectorMemory, *, hold: float, at: float
) -> ConnectorMemory:
    """The memory of a connector after this look at it; `hold` are the site's `hold_seconds()`."""
    if facts is None:
        return memory
    session = facts.session.session if facts.session is not None else ""
    if session != memory.session:
        memory = _of_new_session(outlet, memory, session)
    memory = memory._replace(old_cap_amps=still_followed_amps(facts, memory))
    drawn = drawn_amps(outlet, facts)
    allowed = worst_amps(outlet, facts, memory._replace(defiant=False), hold)
    memory = _obedience(outlet, facts, memory, drawn=drawn, allowed=allowed, at=at)
    if drawn is None or not session:
        return memory._replace(idle_since=None, tempted_since=None, below_since=None)
    most = max(drawn)
    memory = _learned_lines(memory, drawn, at)
    cap = _cap(facts)
    if most >= LINE_IN_USE_AMPS:
        return _wanting(outlet, _awake(memory), most=most, cap=cap, at=at)
    return _idle(outlet, facts, memory._replace(below_since=None), cap=cap, at=at)


def least_amps(outlet: Outlet, memory: ConnectorMemory) -> float:
    """With less than this the car does not charge: configured, or learned from it."""
    return min(outlet.max_amps, max(outlet.min_amps, memory.min_amps))


def most_amps(outlet: Outlet, memory: ConnectorMemory) -> float:
    """As much as the car can use."""
    wanted = outlet.max_amps if memory.demand_amps is None else min(outlet.max_amps, memory.demand_amps)
    return max(wanted, least_amps(outlet, memory))


def _cap(facts: ConnectorFacts) -> float:
    lease = facts.lease
    return lease.accepted_amps if lease is not None and lease.accepted_amps is not None else 0.0


def _of_new_session(outlet: Outlet, memory: ConnectorMemory, session: str) -> ConnectorMemory:
    """Nothing is known of another car; what the station was told lasts only where it is not bound to the session."""
    kept = outlet.mode != "A"
    return ConnectorMemory(
        session=session,
        cap_amps=memory.cap_amps if kept else None,
        changed_at=memory.changed_at if kept else None,
        old_cap_amps=memory.old_cap_amps if kept else 0.0,
        writes_left=memory.writes_left,
        writes_at=memory.writes_at,
    )


def _learned_lines(memory: ConnectorMemory, drawn: tuple[float, ...], at: float) -> ConnectorMemory:
    used = tuple(line for line, amps in enumerate(drawn) if amps > LINE_IN_USE_AMPS)
    if not used or memory.number_phases == 1:  # on one line alone it teaches nothing of the others
        return memory._replace(drawing_since=None)
    if memory.lines is not None:
        return memory._replace(lines=tuple(sorted({*memory.lines, *used})))
    since = at if memory.drawing_since is None else memory.drawing_since
    learned = used if at - since >= LEARN_LINES_SECONDS else None
    return memory._replace(drawing_since=since, lines=learned)


def _awake(memory: ConnectorMemory) -> ConnectorMemory:
    return memory._replace(satisfied=False, idle_since=None, tempted_since=None)


def _wanting(outlet: Outlet, memory: ConnectorMemory, *, most: float, cap: float, at: float) -> ConnectorMemory:
    if most >= cap - AT_LIMIT_AMPS:
        return memory._replace(demand_amps=None, below_since=None)
    if most >= cap - LESS_AMPS:
        return memory._replace(below_since=None)
    since = at if memory.below_since is None else memory.below_since
    if at - since < RECLAIM_SECONDS:
        return memory._replace(below_since=since)
    return memory._replace(below_since=since, demand_amps=max(least_amps(outlet, memory), most + SPARE_AMPS))


def _idle(outlet: Outlet, facts: ConnectorFacts, memory: ConnectorMemory, *, cap: float, at: float) -> ConnectorMemory:
    """Nothing drawn. Only time with enough for a stubborn car counts for its being satisfied."""
    if memory.satisfied:
        return _doubted(facts, memory, at)
    if cap < least_amps(outlet, memory):
        return memory._replace(idle_since=None, tempted_since=None)
    since = at if memory.idle_since is None else memory.idle_since
    if cap < min(STUBBORN_MIN_AMPS, outlet.max_amps):
        patience = SUSPENDED_SECONDS if facts.status == "SuspendedEV" else IDLE_SECONDS
        if at - since < patience:
            return memory._replace(idle_since=since, tempted_since=None)
        return memory._replace(idle_since=None, tempted_since=None, min_amps=STUBBORN_MIN_AMPS)
    tempted = at if memory.tempted_since is None else memory.tempted_since
    if at - tempted >= ENOUGH_SECONDS:
        return memory._replace(idle_since=None, tempted_since=at, satisfied=True)
    return memory._replace(idle_since=since, tempted_since=tempted)


def _doubted(facts: ConnectorFacts, memory: ConnectorMemory, at: float) -> ConnectorMemory:
    """A car that has got next to nothing is asked again now and then: it may wait for a time of its own."""
    energy = facts.session.energy_wh if facts.session is not None else 0.0
    since = at if memory.tempted_since is None else memory.tempted_since
    again = energy < NEXT_TO_NOTHING_WH and at - since >= ASK_AGAIN_SECONDS
    return memory._replace(satisfied=not again, tempted_since=None if again else since)


def _obedience(
    outlet: Outlet,
    facts: ConnectorFacts,
    memory: ConnectorMemory,
    *,
    drawn: tuple[float, ...] | None,
    allowed: float,
    at: float,
) -> ConnectorMemory:
    if drawn is None or outlet.mode == "D":
        return memory._replace(excess_since=None, obeys_since=None)
    if facts.session is None or max(drawn) <= tolerated_amps(allowed):
        since = at if memory.obeys_since is None else memory.obeys_since
        still = memory.defiant and at - since < OBEYING_SECONDS and facts.session is not None
        return memory._replace(excess_since=None, obeys_since=since, defiant=still)
    since = at if memory.excess_since is None else memory.excess_since
    return memory._replace(
        excess_since=since, obeys_since=None, defiant=memory.defiant or at - since >= DEFIANT_SECONDS
    )
