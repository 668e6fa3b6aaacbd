"""What a station waits for before it is asked, which connectors may be drained, and how many may be out at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from gateway.model.instants import instant_of
from gateway.rules.limit_schedules import Window
from gateway.rules.rollout_begin import (
    Moment,
    Place,
    Use,
    may_drain,
    place_reason,
    reasons_to_wait,
    to_drain,
    use_reasons,
    window_reason,
)
from gateway.rules.rollout_fit import Reason
from gateway.rules.rollout_policy import MaintenanceWindow, Policy

FREE = Use({1: "Available", 2: "Available"})
READY = Moment(FREE, connected_seconds=900)


def codes(moment: Moment, policy: Policy | None = None) -> list[str]:
    return [reason.code for reason in reasons_to_wait("CP-1", moment, policy or Policy())]


def test_a_free_station_waits_for_nothing() -> None:
    assert codes(READY) == []
    assert FREE.is_idle
    assert FREE.connectors == (1, 2)


@pytest.mark.parametrize(
    ("use", "expected"),
    [
        (Use({}), ["status_unknown"]),
        (Use({0: "Available"}), ["status_unknown"]),
        (Use({1: "Charging"}), ["charging"]),
        (Use({1: "Finishing", 2: "Available"}), ["charging"]),
        (Use({1: "Available"}, busy=frozenset({1})), ["charging"]),
        (Use({1: "Available"}, expected_starts=1), ["start_expected"]),
        (Use({1: "Available"}, reservations=1), ["reserved"]),
        (Use({1: "Reserved"}, reservations=1), ["charging", "reserved"]),
        (Use({1: "Faulted"}), ["faulted"]),
        (Use({0: "Faulted", 1: "Available"}), ["faulted"]),
        (Use({1: "Unavailable", 2: "Unavailable"}), []),
    ],
)
def test_who_is_in_the_way(use: Use, expected: list[str]) -> None:
    assert [reason.code for reason in use_reasons(use)] == expected
    if not expected:
        assert use.is_idle


def test_the_rest_of_what_is_waited_for() -> None:
    assert codes(replace(READY, connected_seconds=None)) == ["offline"]
    assert codes(replace(READY, connected_seconds=599.0)) == ["just_connected"]
    assert codes(replace(READY, accepted=False)) == ["not_accepted"]
    assert codes(replace(READY, other_job=True)) == ["other_update"]
    assert codes(replace(READY, rebooting=True)) == ["rebooting"]
    assert codes(replace(READY, place=Place(frozenset({"CP-8", "CP-9"})))) == ["at_once"]


def test_how_many_may_be_out_of_service() -> None:
    policy = Policy(at_once=3, apart=(("CP-1", "CP-2"),), most_share_of_connectors=0.5)

    def code(*out: str, out_connectors: int = 1, of: int = 10) -> str | None:
        reason = place_reason("CP-1", Place(frozenset(out), out_connectors, 2, of), policy)
        return None if reason is None else reason.code

    assert code("CP-1") is None, "it counts not itself"
    assert code("CP-7") is None
    assert code("CP-2") == "apart"
    assert code("CP-3", "CP-4", "CP-5") == "at_once"
    assert code("CP-7", out_connectors=3) is None
    assert code("CP-7", out_connectors=4) == "share_of_connectors"
    assert code(of=1) is None, "one station always may be"


@pytest.mark.parametrize(
    ("hour", "minute", "expected"),
    [(0, 59, "closed"), (1, 0, None), (4, 29, None), (4, 31, "too little"), (5, 0, "closed")],
)
def test_the_window_is_the_sites(hour: int, minute: int, expected: str | None) -> None:
    zone = ZoneInfo("Europe/Amsterdam")
    policy = Policy(window=MaintenanceWindow(Window(60, 300), 30))
    now = instant_of(datetime(2027, 7, 15, hour, minute, 30 if minute == 31 else 0, tzinfo=zone).astimezone(UTC))
    reason = window_reason(policy, now, zone)
    assert reason is None if expected is None else reason is not None and expected in reason.text
    assert window_reason(Policy(), now, zone) is None


def test_draining() -> None:
    charging = [Reason("charging", "")]
    assert may_drain(charging, Policy(drain=True))
    assert not may_drain(charging, Policy())
    assert not may_drain([], Policy(drain=True))
    assert not may_drain([*charging, Reason("offline", "")], Policy(drain=True))
    use = Use({0: "Available", 1: "Charging", 2: "Available", 3: "Unavailable", 4: "Available"}, busy=frozenset({1, 4}))
    assert to_drain(use) == (2,)
    assert to_drain(replace(use, reservations=1)) == to_drain(replace(use, expected_starts=1)) == ()
