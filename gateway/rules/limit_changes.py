"""What to send now: lower first, raise only into what is confirmed free, and never more often than is good.

Given what every connector shall have, what it may have by now and the most it can draw, decides which limits go out in
this tick. A row that is over its room is brought down at once, largest excess first; for fairness a limit is lowered
only when that lets somebody rise; increases wait until the worst case of all leaves room for them. Stations keep each
limit in flash memory, so what is not urgent has a budget. Knows neither how shares come about nor how limits travel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.model.load_decision import Send, SendKind
from gateway.rules.load_allocation import HAIR, whole_steps

UNANSWERED_SECONDS = 10.0  # a send that was not answered for so long may be repeated
REPEAT_SECONDS = 10.0  # between decreases to a station that does not confirm
BETWEEN_CHANGES_SECONDS = 30.0
BETWEEN_CHANGES_SLOW_SECONDS = 60.0  # mode C
PAUSE_SECONDS = 60.0  # a car that was paused stays so for a while: some wake badly
LEAST_INCREASE_AMPS = 1.0
LEAST_DECREASE_AMPS = 2.0
WRITES_BURST, WRITES_PER_HOUR = 20.0, 24.0
WRITES_BURST_SLOW, WRITES_PER_HOUR_SLOW = 4.0, 2.0  # mode C


@dataclass(slots=True)
class Standing:
    """One connector in this tick. `cap_amps`: the newest limit sent (0 before the first)."""

    key: str
    station: str
    connector: int
    reachable: bool  # connected, and something to limit
    fixed: bool  # its worst case stays as it is whatever is sent: only renewals make sense
    planned_amps: float
    cap_amps: float
    worst_amps: float
    rows: tuple[int, ...]
    least_amps: float
    step_amps: float = 0.1
    weight: float = 1.0
    slow: bool = False  # mode C
    binding: bool = False  # its plan is no matter of fairness: it comes down also when nobody gains by that
    waiting_seconds: float | None = None  # since the newest send, while it is not answered
    since_change: float | None = None  # seconds; None: never
    since_sent: float | None = None
    lease_left: float | None = None  # seconds until the lease ends; None: it has none
    fallback_amps: float = 0.0
    falling_lease: float = 600.0  # how long a limit not below the fallback holds
    rising_lease: float = 1200.0  # how long one below it does
    writes_left: float = WRITES_BURST
    number_phases: int | None = None  # that all its limits say
    switch_to: int | None = None  # the number of lines it is to change to, at 0 A
    switching: bool = False  # it has not changed yet: nothing is raised
    reason: str = ""
    sent: Send | None = field(default=None)


def writes_now(left: float | None, since: float, *, slow: bool) -> float:
    """The write budget after `since` seconds; None begins with a full one."""
    burst, rate = (WRITES_BURST_SLOW, WRITES_PER_HOUR_SLOW) if slow else (WRITES_BURST, WRITES_PER_HOUR)
    return burst if left is None else min(burst, left + rate * since / 3600.0)


def changes_of(standings: Sequence[Standing], room: Sequence[float], guard: Sequence[float]) -> tuple[Send, ...]:
    """The sends of this tick, decreases first. `room`: what connectors together may have at worst, by row.

    Increases leave `guard` of it free. Each standing's `sent`, `worst_amps` and `cap_amps` follow what is sent.
    """
    ordered = sorted(standings, key=lambda each: each.key)
    _lower_what_is_over(ordered, room)
    _switch(ordered)
    _lower_for_others(ordered, room, guard)
    _raise(ordered, room, guard)
    _renew(ordered)
    rank: dict[SendKind, int] = {"decrease": 0, "start": 1, "increase": 2, "renew": 3}
    sends = [each.sent for each in ordered if each.sent is not None]
    return tuple(sorted(sends, key=lambda send: (rank[send.kind], send.station, send.connector)))


def _lower_what_is_over(standings: Sequence[Standing], room: Sequence[float]) -> None:
    load = _loads(standings, room, coming=True)
    by_excess = sorted(standings, key=lambda each: (each.planned_amps - each.cap_amps, each.key))
    for each in by_excess:
        drop = each.cap_amps - each.planned_amps
        if _can_change(each) and drop > HAIR and any(load[row] > room[row] + HAIR for row in each.rows):
            for row in each.rows:
                load[row] -= drop
            _send(each, each.planned_amps, "decrease", "a circuit has less room than before")


def _switch(standings: Sequence[Standing]) -> None:
    for each in standings:
        if each.switch_to is None or not _can_change(each) or each.waiting_seconds is not None:
            continue
        if _may_change(each):
            each.number_phases = each.switch_to
            lines = "one phase" if each.switch_to == 1 else "all phases"
            _send(each, 0.0, "decrease", f"it is to charge on {lines}, and changes over at 0 A")


def _lower_for_others(standings: Sequence[Standing], room: Sequence[float], guard: Sequence[float]) -> None:
    load = _loads(standings, room, coming=True)
    wanted: set[int] = set()  # rows in which somebody waits for room
    pressing: set[int] = set()  # the same, and without it a car does not charge at all
    for each in standings:
        gain = each.planned_amps - each.cap_amps
        short = [row for row in each.rows if room[row] - guard[row] - load[row] < gain - HAIR]
        if _can_change(each) and gain >= LEAST_INCREASE_AMPS:
            wanted.update(short)
        if _can_change(each) and gain > HAIR and each.cap_amps < each.least_amps:
            pressing.update(short)
    for each in sorted(standings, key=lambda each: (each.planned_amps - each.cap_amps, each.key)):
        drop = each.cap_amps - each.planned_amps
        if not _can_change(each) or drop <= HAIR or not _may_change(each):
            continue
        if each.binding and (drop >= LEAST_INCREASE_AMPS or each.planned_amps == 0):
            _send(each, each.planned_amps, "decrease", "it may have less than before")
        elif (drop >= LEAST_DECREASE_AMPS and wanted & set(each.rows)) or pressing & set(each.rows):
            _send(each, each.planned_amps, "decrease", "others need a part of it")


def _raise(standings: Sequence[Standing], room: Sequence[float], guard: Sequence[float]) -> None:
    load = _loads(standings, room, coming=False)
    for each in sorted(standings, key=lambda each: (each.cap_amps >= each.least_amps, each.cap_amps / each.weight)):
        if not _can_change(each) or each.waiting_seconds is not None or each.switching:
            continue
        first = each.cap_amps < each.least_amps
        free = min((room[row] - guard[row] - load[row] for row in each.rows), default=0.0)
        if free < 0:
            continue
        amps = min(each.planned_amps, whole_steps(each.worst_amps + free, each.step_amps))
        grown = amps - each.cap_amps
        if amps < each.least_amps or grown < (HAIR if first else LEAST_INCREASE_AMPS) or not _may_change(each, first):
            continue
        for row in each.rows:
            load[row] += max(each.worst_amps, amps) - each.worst_amps
        _send(each, amps, "start" if first else "increase", "there is room for it")


def _renew(standings: Sequence[Standing]) -> None:
    """Leases are renewed when half the falling time is over; a send that stays unanswered is repeated."""
    for each in standings:
        if each.sent is not None or not each.reachable:
            continue
        due = each.lease_left is not None and each.lease_left < _lease(each) - each.falling_lease / 2
        lost = each.waiting_seconds is not None and each.waiting_seconds >= UNANSWERED_SECONDS
        waited = each.since_sent is None or each.since_sent >= REPEAT_SECONDS
        if (due and each.waiting_seconds is None and waited) or (lost and waited):
            _send(each, each.cap_amps, "renew", "so that it goes on to hold")


def _can_change(each: Standing) -> bool:
    return each.reachable and not each.fixed and each.sent is None


def _may_change(each: Standing, first: bool = False) -> bool:
    pause = BETWEEN_CHANGES_SLOW_SECONDS if each.slow else BETWEEN_CHANGES_SECONDS
    rested = each.since_change is None or each.since_change >= (PAUSE_SECONDS if first else pause)
    return rested and each.writes_left >= 1.0


def _send(each: Standing, amps: float, kind: SendKind, reason: str) -> None:
    each.worst_amps = max(each.worst_amps, amps)
    each.cap_amps = amps
    each.sent = Send(each.station, each.connector, amps, _lease(each), kind, reason, each.number_phases)


def _lease(each: Standing) -> float:
    return each.rising_lease if each.cap_amps < each.fallback_amps else each.falling_lease


def _loads(standings: Sequence[Standing], room: Sequence[float], *, coming: bool) -> list[float]:
    load = [0.0] * len(room)
    for each in standings:
        for row in each.rows:
            load[row] += each.cap_amps if coming and not each.fixed else each.worst_amps
    return load
