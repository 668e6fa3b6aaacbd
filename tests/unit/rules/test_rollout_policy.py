"""The policy of a campaign: defaults, bounds, every mistake at once, and back to JSON."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.rules.limit_schedules import Window
from gateway.rules.rollout_policy import KEYS, MaintenanceWindow, Mistake, Policy, document_of, read_policy


def read(**members: object) -> Policy:
    policy = read_policy(members)
    assert isinstance(policy, Policy), policy
    return policy


def wrong(members: object) -> list[str]:
    mistakes = read_policy(members)
    assert isinstance(mistakes, tuple)
    assert all(isinstance(one, Mistake) and one.detail for one in mistakes)
    return [one.field.removeprefix("policy.") for one in mistakes]


def test_nothing_said_is_the_default() -> None:
    assert read() == read(canary=None, window=None, apart=None) == Policy()
    assert set(document_of(Policy())) == set(KEYS)


def test_everything_comes_back_from_json() -> None:
    policy = read(
        canary=3, wave_share=1, max_failures="12.5%", pause_after_canary=True, at_once=9, apart=[["A", "B", "A"]],
        window={"from": "22:30", "to": "24:00", "days": ["sat", "sun"], "minutes_needed": 45}, drain=True,
        force_downgrade=True, health_seconds=0,
    )  # fmt: skip
    assert policy.max_failures_percent == 12.5
    assert policy.apart == (("A", "B"),)
    assert policy.window == MaintenanceWindow(Window(1350, 1440, ("sat", "sun")), 45)
    assert read_policy(document_of(policy)) == policy
    assert read(max_failures=7).max_failures == 7
    assert read(window="22:30 - 24:00").window == MaintenanceWindow(Window(1350, 1440, ()), 30)


@pytest.mark.parametrize(
    ("said", "heartbeat", "seconds"),
    [({}, 300, 300), ({}, 86_400, 3600), ({"check_seconds": 120}, 300, 120), ({"health_seconds": 0}, 300, 0)],
)
def test_a_station_must_be_well_for_a_heartbeat_period(said: dict[str, int], heartbeat: int, seconds: int) -> None:
    policy = read_policy(said, heartbeat_seconds=heartbeat)
    assert isinstance(policy, Policy)
    assert policy.health_seconds == seconds


@pytest.mark.parametrize(
    ("members", "fields"),
    [
        ([], ["policy"]),
        ({"unknown": 1, "canary": True, "at_once": 0}, ["unknown", "canary", "at_once"]),
        ({"wave_share": 0, "most_share_of_connectors": "1"}, ["wave_share", "most_share_of_connectors"]),
        ({"wave_share": True, "most_share_of_connectors": 1.5}, ["wave_share", "most_share_of_connectors"]),
        ({"drain": 1, "force_downgrade": "yes"}, ["drain", "force_downgrade"]),
        ({"max_failures": 0}, ["max_failures"]),
        ({"max_failures": True}, ["max_failures"]),
        ({"max_failures": "0%"}, ["max_failures"]),
        ({"max_failures": "101%"}, ["max_failures"]),
        ({"max_failures": "some"}, ["max_failures"]),
        ({"max_failures": 2.0}, ["max_failures"]),
        ({"apart": [["A"]]}, ["apart"]),
        ({"apart": [["A", "A"]]}, ["apart"]),
        ({"apart": [["A", 1]]}, ["apart"]),
        ({"apart": "A"}, ["apart"]),
        ({"window": "night"}, ["window"]),
        ({"window": {"from": "1:00", "to": "25:00", "x": 1}}, ["window.x", "window.from", "window.to"]),
        ({"window": {"from": "24:00", "to": 5}}, ["window.from", "window.to"]),
        ({"window": {"from": "01:00", "to": "02:00", "days": "mon"}}, ["window.days"]),
        ({"window": {"from": "01:00", "to": "02:00", "days": ["Monday"]}}, ["window.days"]),
        ({"window": {"from": "01:00", "to": "02:00", "minutes_needed": 60}}, ["window.minutes_needed"]),
        ({"window": {"from": "01:00", "to": "02:00", "minutes_needed": -1}}, ["window.minutes_needed"]),
        ({"tries": 11, "retries": 0, "give_up_days": 366}, ["tries", "retries", "give_up_days"]),
        ({"health_seconds": 3601}, ["check_seconds"]),
    ],
)
def test_every_mistake_is_told(members: Any, fields: list[str]) -> None:
    assert sorted(wrong(members)) == sorted(fields)


def test_a_window_of_a_whole_day_has_room() -> None:
    assert read(window={"from": "00:00", "to": "24:00", "minutes_needed": 60}).window is not None
    assert read(window={"from": "06:00", "to": "06:00"}).window == MaintenanceWindow(Window(360, 360, ()), 30)
