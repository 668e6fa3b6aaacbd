"""The composite schedule of any stack is what a clock that ticks second by second would read off the profiles.

The reference below is written for that alone: it asks every profile at every second, counts in fractions, knows no
breakpoints, no sorting and no stacks, and shares no function with the rule.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Literal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.model.charging_profiles import Installed, Period, Profile
from gateway.model.instants import SECOND, Instant, instant_of
from gateway.rules.charging_schedule import Station, composite_schedule
from tests.properties.examples import examples

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
Said = tuple[Fraction, str, int]

# The reference


def said_at(one: Installed, second: int, session_start: int) -> Said | None:
    """(limit, unit, phases) that this profile gives at this second."""
    profile = one.profile
    if profile.valid_from is not None and second * SECOND < profile.valid_from - profile.valid_from % SECOND:
        return None
    if profile.valid_to is not None and second * SECOND >= profile.valid_to - profile.valid_to % SECOND:
        return None
    begin = session_start
    if profile.kind in ("Absolute", "Recurring") and profile.start_at is not None:
        begin = profile.start_at // SECOND
    if second < begin:
        return None
    elapsed = second - begin
    if profile.kind == "Recurring" and profile.recurrency_kind in ("Daily", "Weekly"):
        every = {"Daily": 24 * 3600, "Weekly": 7 * 24 * 3600}[profile.recurrency_kind]
        while elapsed >= every:
            elapsed -= every
    if profile.duration_seconds is not None and elapsed >= profile.duration_seconds:
        return None
    found: Said | None = None
    latest = -1
    for period in profile.periods:
        if latest < period.start_seconds <= elapsed:
            latest = period.start_seconds
            found = (Fraction(period.limit), profile.unit, period.number_phases or 3)
    return found


def cut(value: Fraction) -> Fraction:
    """Down to the next thousandth."""
    return Fraction(value * 1000 // 1, 1000)


def at_once(said: list[Said], unit: str) -> Said | None:
    """All of it holds: the lowest in `unit`."""
    if not said:
        return None
    phases = min(count for _, _, count in said)
    amounts = []
    for amount, its_unit, its_phases in said:
        if its_unit == unit:
            amounts.append(amount)
        elif unit == "W":
            amounts.append(cut(amount * 230 * phases))
        else:
            amounts.append(cut(amount / 230 / its_phases))
    return min(amounts), unit, phases


def prevailing(profiles: list[Installed], second: int, session_start: int) -> Said | None:
    """What the profile that counts among those of one purpose says."""
    speaking = [one for one in profiles if said_at(one, second, session_start) is not None]
    best: Installed | None = None
    for one in speaking:
        if best is None or (one.profile.stack_level, one.connector) > (best.profile.stack_level, best.connector):
            best = one
    return None if best is None else said_at(best, second, session_start)


def drawn(station: Station, connector: int, second: int, window: int, unit: str) -> Said | None:
    """What one connector may draw by its own profiles."""
    begun = station.sessions[connector] // SECOND if connector in station.sessions else window
    tx = [one for one in station.installed if one.profile.purpose == "TxProfile" and one.connector == connector]
    default = [
        one
        for one in station.installed
        if one.profile.purpose == "TxDefaultProfile" and one.connector in (0, connector)
    ]
    said = prevailing(tx, second, begun) or prevailing(default, second, begun)
    return at_once([said] if said else [], unit)


def reference(station: Station, connector: int, second: int, window: int, unit: str) -> Said | None:
    """The composite limit at one second."""
    lids = [one for one in station.installed if one.profile.purpose == "ChargePointMaxProfile"]
    lid = prevailing(lids, second, window)
    if connector > 0:
        own = drawn(station, connector, second, window, unit)
    else:
        each = [drawn(station, one, second, window, unit) for one in set(station.connectors)]
        certain = [one for one in each if one is not None]
        complete = bool(each) and len(certain) == len(each)
        own = (sum((one[0] for one in certain), Fraction()), unit, max(one[2] for one in certain)) if complete else None
    return at_once([one for one in (own, lid) if one is not None], unit)


# The stacks

LOCAL_MOMENTS = [
    datetime(2027, 3, 28, 0, 0, tzinfo=AMSTERDAM),  # the hour after 02:00 is missing
    datetime(2027, 10, 31, 1, 30, tzinfo=AMSTERDAM),  # the hour after 02:00 comes twice
    datetime(2027, 1, 3, 23, 59, tzinfo=AMSTERDAM),  # Sunday to Monday
    datetime(2026, 12, 31, 23, 0, tzinfo=UTC),
    datetime(2028, 2, 29, 12, 0, tzinfo=UTC),
]
WINDOW_SECONDS = 240


@st.composite
def profiles(draw: st.DrawFn, window: int, number: int) -> Installed:
    """Any profile, with its edges near the window, or days and weeks before it."""
    purpose = draw(st.sampled_from(["ChargePointMaxProfile", "TxDefaultProfile", "TxProfile"]))
    connector = {"ChargePointMaxProfile": 0, "TxProfile": draw(st.integers(1, 2))}.get(purpose, draw(st.integers(0, 2)))
    kind = draw(st.sampled_from(["Absolute", "Recurring", "Relative"]))
    recurrency = draw(st.sampled_from(["Daily", "Weekly"])) if kind == "Recurring" else None
    near = st.integers(window - 90, window + WINDOW_SECONDS)
    days_before = draw(st.integers(0, 15)) if kind == "Recurring" else 0
    start = draw(near) - days_before * 86_400
    lasting = st.one_of(st.integers(0, 300), st.integers(86_400 - 60, 86_400 + 60), st.none())
    offsets = draw(st.lists(st.one_of(st.integers(0, 200), st.integers(86_300, 86_500)), max_size=3, unique=True))
    if draw(st.integers(0, 9)):
        offsets = [0, *(offset for offset in offsets if offset)]
    return Installed(
        connector,
        Profile(
            profile_id=number,
            stack_level=draw(st.integers(0, 3)),
            purpose=purpose,
            kind=kind,
            recurrency_kind=recurrency,
            valid_from=Instant(draw(near) * SECOND + draw(st.integers(0, 999_999))) if draw(st.booleans()) else None,
            valid_to=Instant(draw(near) * SECOND) if draw(st.booleans()) else None,
            start_at=None if kind == "Relative" else Instant(start * SECOND + draw(st.integers(0, 999_999))),
            duration_seconds=draw(lasting),
            unit=draw(st.sampled_from(["A", "W"])),
            periods=tuple(
                Period(
                    offset,
                    Decimal(draw(st.integers(0, 400))) / 10 * draw(st.sampled_from([1, 1, 500])),
                    draw(st.sampled_from([None, 1, 2, 3])),
                )
                for offset in offsets
            ),
        ),
    )


@st.composite
def stations(draw: st.DrawFn) -> tuple[Station, int]:
    """A stack as a station may hold it (nothing twice in one place), and the second at which the window begins."""
    window = int(draw(st.sampled_from(LOCAL_MOMENTS)).timestamp()) + draw(st.integers(-60, 60))
    found: dict[tuple[str, int, int], Installed] = {}
    for number in range(draw(st.integers(0, 6))):
        one = draw(profiles(window, number))
        found[one.profile.purpose, one.connector, one.profile.stack_level] = one
    begun = st.integers(window - 120, window + 60).map(lambda second: Instant(second * SECOND + 5))
    sessions = draw(st.dictionaries(st.integers(1, 2), begun, max_size=2))
    return Station(list(found.values()), draw(st.sampled_from([(1, 2), (1,), ()])), sessions), window


def laid_out(station: Station, connector: int, window: int, unit: Literal["A", "W"]) -> list[tuple[object, object]]:
    """The rule's composite, second by second."""
    composite = composite_schedule(
        station,
        connector=connector,
        start_at=Instant(window * SECOND + 123_456),
        duration_seconds=WINDOW_SECONDS,
        unit=unit,
    )
    assert composite.start_at == window * SECOND
    assert composite.periods[0].start_seconds == 0
    for before, after in zip(composite.periods, composite.periods[1:], strict=False):
        assert before.start_seconds < after.start_seconds < WINDOW_SECONDS
        assert (before.limit, before.number_phases) != (after.limit, after.number_phases)
    seconds: list[tuple[object, object]] = []
    for period, following in zip(composite.periods, [*composite.periods[1:], None], strict=True):
        end = WINDOW_SECONDS if following is None else following.start_seconds
        seconds += [(period.limit, period.number_phases)] * (end - period.start_seconds)
    return seconds


@settings(max_examples=examples(1500), derandomize=True)
@given(stations(), st.integers(0, 2), st.sampled_from(["A", "W"]))
def test_every_second_is_as_the_reference_says(
    drawn_station: tuple[Station, int], connector: int, unit: Literal["A", "W"]
) -> None:
    station, window = drawn_station
    for offset, (limit, phases) in enumerate(laid_out(station, connector, window, unit)):
        expected = reference(station, connector, window + offset, window, unit)
        assert (limit, phases) == ((None, None) if expected is None else (expected[0], expected[2])), offset


@settings(max_examples=examples(400), derandomize=True)
@given(stations(), st.integers(0, 2), st.sampled_from(["A", "W"]), st.randoms(use_true_random=False))
def test_the_order_in_which_profiles_came_does_not_matter(
    drawn_station: tuple[Station, int], connector: int, unit: Literal["A", "W"], chance: object
) -> None:
    station, window = drawn_station
    shuffled = list(station.installed)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert laid_out(replace(station, installed=shuffled), connector, window, unit) == laid_out(
        station, connector, window, unit
    )


@settings(max_examples=examples(400), derandomize=True)
@given(stations(), st.integers(1, 2), st.sampled_from(["A", "W"]))
def test_it_is_never_above_a_prevailing_limit(
    drawn_station: tuple[Station, int], connector: int, unit: Literal["A", "W"]
) -> None:
    station, window = drawn_station
    begun = station.sessions[connector] // SECOND if connector in station.sessions else window
    purposes: dict[str, list[Installed]] = {}
    for one in station.installed:
        if one.connector in (0, connector):
            purposes.setdefault(one.profile.purpose, []).append(one)
    for offset, (limit, _) in enumerate(laid_out(station, connector, window, unit)):
        second = window + offset
        lid = prevailing(purposes.get("ChargePointMaxProfile", []), second, window)
        tx = prevailing(purposes.get("TxProfile", []), second, begun)
        default = prevailing(purposes.get("TxDefaultProfile", []), second, begun)
        for said in (lid, tx or default):
            if said is not None:
                amount, its_unit, phases = said
                most = amount if its_unit == unit else amount * 230 * phases if unit == "W" else amount / 230 / phases
                assert isinstance(limit, Decimal)
                assert Fraction(limit) <= most


@pytest.mark.parametrize("recurrency", ["Daily", "Weekly"])
@given(begin=st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1)), cycles=st.integers(0, 120))
def test_a_recurrence_comes_back_after_as_many_hours_over_every_change_of_the_clock(
    recurrency: str, begin: datetime, cycles: int
) -> None:
    hours = 24 if recurrency == "Daily" else 168
    start = instant_of(begin.replace(microsecond=0, tzinfo=AMSTERDAM))
    profile = Profile(
        profile_id=1, stack_level=0, purpose="TxDefaultProfile", kind="Recurring", recurrency_kind=recurrency,
        start_at=start, duration_seconds=3600, periods=(Period(0, Decimal(10)), Period(1800, Decimal(6))),
    )  # fmt: skip
    again = Instant(start + cycles * hours * 3600 * SECOND)
    composite = composite_schedule(
        Station([Installed(1, profile)], (1,), {}), connector=1, start_at=again, duration_seconds=86_400, unit="A"
    )
    assert [(period.start_seconds, period.limit) for period in composite.periods] == [(0, 10), (1800, 6), (3600, None)]
