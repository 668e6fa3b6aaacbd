"""How much may be drawn, and when, under the profiles that are installed? (OCPP 1.6 3.13; errata 3.7, 3.34, 3.43, 3.79)

1. Within one purpose the highest stack level counts among the profiles that say something at that second; what is over
   (duration, validTo), not yet begun, or before its first period says nothing, and the level below counts. Of a
   TxDefaultProfile on the connector and one on 0 with the same level, the connector's own counts.
2. A TxProfile that says something beats every TxDefaultProfile. ChargePointMaxProfile is a lid on all of it.
3. Absolute runs once from startSchedule. Recurring begins again exactly 24 h or 7 d after startSchedule, and what is
   longer than that is cut. That is an instant plus hours: a change of the wall clock moves nothing. Relative runs from
   the start of the connector's session, or as if one began with the window. So does what lacks its startSchedule.
4. A connector may draw the lower of its own limit and the lid. Connector 0 is the whole station: the lower of the lid
   and the sum of what its connectors may draw, whether or not a session runs there now. In amperes this is the worst
   phase, because all cars may hang on the same one. One connector without limit leaves only the lid.
5. Watts become amperes per phase by the profile's own number of phases (errata 3.34), amperes become watts by the
   number of phases that can be used at all; 230 V; numberPhases absent is 3. Converted limits are cut, never raised.

Time is counted in whole seconds. Circuits and what a station can do are not known here.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_DOWN, Decimal

from gateway.model.charging_profiles import (
    CHARGE_POINT_MAX,
    TX,
    TX_DEFAULT,
    CompositePeriod,
    CompositeSchedule,
    Installed,
    Period,
    Profile,
    Unit,
)
from gateway.model.circuits import VOLTS
from gateway.model.instants import SECOND, Instant

PHASES = 3
RECURRENCE_SECONDS: Mapping[str | None, int] = {"Daily": 86_400, "Weekly": 7 * 86_400}

_STEP = Decimal("0.001")


@dataclass(frozen=True, slots=True)
class Limit:
    """So much on so many phases: A per phase or W in total, as `unit` says."""

    amount: Decimal
    unit: Unit
    phases: int


@dataclass(frozen=True, slots=True)
class Station:
    """What is installed; `sessions`: connector to the start of the session that runs there; its connectors (not 0)."""

    installed: Sequence[Installed]
    connectors: Sequence[int]
    sessions: Mapping[int, Instant]


def composite_schedule(
    station: Station, *, connector: int, start_at: Instant, duration_seconds: int, unit: Unit
) -> CompositeSchedule:
    """What the connector, or the whole station (0), may draw in [start_at, start_at + duration), cut to seconds."""
    begin = start_at // SECOND
    connectors = sorted(set(station.connectors)) if connector == 0 else [connector]
    lids = [_Stack(_lids_on(station.installed, one), station, one, begin) for one in connectors]
    own = [_Stack(_of_sessions_on(station.installed, one), station, one, begin) for one in connectors]
    whole = _Stack(_lids_on(station.installed, 0), station, 0, begin)
    moments = {begin}
    for stack in (*lids, *own, whole):
        moments.update(stack.changes(begin, begin + duration_seconds))

    def limit_at(second: int) -> Limit | None:
        drawn = [lowest([ours.at(second), lid.at(second)], unit) for ours, lid in zip(own, lids, strict=True)]
        return lowest([added(drawn, unit), whole.at(second)], unit)

    return CompositeSchedule(
        start_at=Instant(begin * SECOND),
        duration_seconds=duration_seconds,
        unit=unit,
        periods=tuple(_merged((moment - begin, limit_at(moment)) for moment in sorted(moments))),
    )


def lowest(limits: Iterable[Limit | None], unit: Unit) -> Limit | None:
    """All of these hold at once: the lowest, in `unit`, on as few phases as any of them leaves; None: no limit."""
    given = [limit for limit in limits if limit is not None]
    if not given:
        return None
    phases = min(limit.phases for limit in given)
    return Limit(min(_amount(limit, unit, phases) for limit in given), unit, phases)


def added(limits: Sequence[Limit | None], unit: Unit) -> Limit | None:
    """Side by side on one supply: the sum, on as many phases as any of them uses; None as soon as one has no limit."""
    given = [limit for limit in limits if limit is not None]
    if not given or len(given) < len(limits):
        return None
    amount = sum((limit.amount for limit in given), Decimal(0))
    return Limit(amount, unit, max(limit.phases for limit in given))


def _amount(limit: Limit, unit: Unit, phases: int) -> Decimal:
    if limit.unit == unit:
        return limit.amount
    if unit == "W":
        return (limit.amount * VOLTS * phases).quantize(_STEP, ROUND_DOWN)
    return (limit.amount / (VOLTS * limit.phases)).quantize(_STEP, ROUND_DOWN)


def _lids_on(installed: Sequence[Installed], connector: int) -> list[list[Installed]]:
    """A station that took a ChargePointMaxProfile for a connector is taken at its word: there it is a lid as well."""
    return [[one for one in installed if one.profile.purpose == CHARGE_POINT_MAX and one.connector == connector]]


def _of_sessions_on(installed: Sequence[Installed], connector: int) -> list[list[Installed]]:
    """The TxProfiles of a connector, and the TxDefaultProfiles that count when none of them says anything."""
    here = [one for one in installed if one.connector in (0, connector)]
    return [
        [one for one in here if one.profile.purpose == TX and one.connector == connector],
        [one for one in here if one.profile.purpose == TX_DEFAULT],
    ]


class _Stack:
    """Profiles of which at each second one counts: group by group, the highest level first."""

    __slots__ = ("_runs",)

    def __init__(self, groups: list[list[Installed]], station: Station, connector: int, begin: int) -> None:
        session_at = station.sessions.get(connector)
        base = begin if session_at is None else session_at // SECOND
        self._runs = [_Run(one.profile, base) for group in groups for one in sorted(group, key=_rank)]

    def at(self, second: int) -> Limit | None:
        """The limit of the profile that counts at this second."""
        return next((limit for run in self._runs if (limit := run.at(second)) is not None), None)

    def changes(self, begin: int, end: int) -> Iterator[int]:
        """Every second inside (begin, end) at which the limit may change."""
        for run in self._runs:
            yield from run.changes(begin, end)


def _rank(one: Installed) -> tuple[int, bool, int]:
    """Highest level first, own connector before 0; of what no station should hold twice, the smallest id."""
    return -one.profile.stack_level, one.connector == 0, one.profile.profile_id


class _Run:
    """One profile laid out in time."""

    __slots__ = ("_length", "_periods", "_profile", "_recurrence", "_start", "_starts")

    def __init__(self, profile: Profile, session_start: int) -> None:
        start_at = None if profile.kind == "Relative" else profile.start_at
        self._profile = profile
        self._start = session_start if start_at is None else start_at // SECOND
        self._recurrence = RECURRENCE_SECONDS.get(profile.recurrency_kind) if profile.kind == "Recurring" else None
        self._length = min(
            (seconds for seconds in (profile.duration_seconds, self._recurrence) if seconds is not None), default=None
        )
        self._periods = sorted(profile.periods, key=lambda period: period.start_seconds)
        self._starts = [period.start_seconds for period in self._periods]

    def at(self, second: int) -> Limit | None:
        """What the profile says at this second; None: nothing."""
        profile, offset = self._profile, second - self._start
        if profile.valid_from is not None and second < profile.valid_from // SECOND:
            return None
        if profile.valid_to is not None and second >= profile.valid_to // SECOND:
            return None
        if offset < 0:
            return None
        if self._recurrence is not None:
            offset %= self._recurrence
        if self._length is not None and offset >= self._length:
            return None
        place = bisect_right(self._starts, offset)
        return _limit_of(self._periods[place - 1], profile.unit) if place else None

    def changes(self, begin: int, end: int) -> Iterator[int]:
        """Every second inside (begin, end) at which it may say something else."""
        validity = (self._profile.valid_from, self._profile.valid_to)
        marks = [at // SECOND for at in validity if at is not None]
        inside = [*self._starts, *([] if self._length is None else [self._length])]
        for start in self._begins(begin, end):
            marks += [start, *(start + offset for offset in inside)]
        return (mark for mark in marks if begin < mark < end)

    def _begins(self, begin: int, end: int) -> Iterable[int]:
        if self._recurrence is None:
            return (self._start,)
        passed = max(0, (begin - self._start) // self._recurrence)
        return range(self._start + passed * self._recurrence, end, self._recurrence)


def _limit_of(period: Period, unit: str) -> Limit:
    return Limit(period.limit, "W" if unit == "W" else "A", period.number_phases or PHASES)


def _merged(limits: Iterable[tuple[int, Limit | None]]) -> Iterator[CompositePeriod]:
    """Periods of a composite; one that says the same as the one before is part of it."""
    before: CompositePeriod | None = None
    for second, limit in limits:
        amount, phases = (None, None) if limit is None else (limit.amount, limit.phases)
        period = CompositePeriod(second, amount, phases)
        if before is None or replace(period, start_seconds=before.start_seconds) != before:
            yield period
            before = period
