"""After the update: what counts as well, what is put right, and when it is a failure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gateway.model.instants import Instant
from gateway.rules.firmware_rollout import Asks, Goes, Row, Seen, Stays, Step
from gateway.rules.rollout_begin import Moment, Use
from gateway.rules.rollout_fit import Plate, image_of
from gateway.rules.rollout_health import settings_text, step_checking, stuck
from gateway.rules.rollout_policy import Policy

IMAGE = image_of("i", {"vendor": "Maker", "models": ["Post"], "version": "2.0"})
SEEN = Seen(Moment(Use({1: "Available", 2: "Charging"}), 99.0), Plate("Maker", "Post", "2.0"), Instant(2))
POLICY = Policy(health_seconds=600, check_seconds=3600)


def with_statuses(*, here: bool = True, **statuses: str) -> Seen:
    use = Use({int(name[1:]): status for name, status in statuses.items()})
    return replace(SEEN, moment=Moment(use, 99.0 if here else None))


def check(seen: Seen = SEEN, elapsed: float = 100.0, **of: Any) -> Step:
    return step_checking(Row("CP-1", "checking", elapsed, **of), seen, IMAGE, POLICY)


def test_a_well_station_is_watched_and_then_done() -> None:
    assert check() == Stays("it is watched for a while", well=True)
    assert check(healthy=599.0) == Stays("it is watched for a while", well=True)
    assert check(healthy=600.0) == Goes("done")
    assert check(elapsed=3600.0, healthy=10.0) == Goes("done"), "it became well late"
    assert check(elapsed=3600.0) == Stays("it is watched for a while", well=True)


def test_its_settings_are_read_first() -> None:
    unread = replace(SEEN, settings_read=False)
    assert check(unread, healthy=600.0) == Stays("its settings are read again", well=True)
    assert check(unread, elapsed=3600.0, healthy=600.0) == Goes("done")
    assert check(replace(SEEN, settings_read=True), healthy=600.0) == Goes("done")


def test_a_station_that_goes_back_has_failed() -> None:
    back = replace(SEEN, plate=Plate("Maker", "Post", "1.0"))
    assert check(back) == Goes("failed", "it went back to 1.0", "version_mismatch")
    assert check(replace(SEEN, plate=None)) == Goes("failed", "it went back to no version", "version_mismatch")


@pytest.mark.parametrize(
    ("seen", "text", "failure"),
    [
        (with_statuses(here=False, c1="Available"), "it is not connected", "lost"),
        (with_statuses(c0="Faulted", c1="Available"), "it reports a fault", "health"),
        (with_statuses(c1="Faulted"), "connector 1 reports a fault", "health"),
        (with_statuses(c1="Unavailable"), "connector 1 is out of service", "health"),
        (with_statuses(c0="Unavailable"), "it is out of service", "health"),
        (replace(SEEN, stale=(2,)), "connector 2 has not told its status since the boot", "health"),
    ],
)
def test_trouble(seen: Seen, text: str, failure: str) -> None:
    step = check(seen)
    assert isinstance(step, Stays | Asks) and (step.detail, step.well) == (text, False)
    assert check(seen, elapsed=3600.0, healthy=10.0) == Goes("failed", text, failure)  # type: ignore[arg-type]


def test_what_is_stuck_is_put_back_once_a_minute_and_not_for_ever() -> None:
    out = with_statuses(c1="Unavailable", c2="Unavailable", c3="Unavailable")
    text = "connector 1 is out of service"
    assert check(out, out_before=(3,)) == Asks("restore", text, 1, well=False)
    assert check(out, out_before=(3,), asks=1, asked=59.0) == Stays(text, well=False)
    assert check(out, out_before=(3,), asks=1, asked=60.0) == Asks("restore", text, 2, well=False)
    assert check(out, asks=6, asked=60.0) == Stays(text, well=False)
    assert check(with_statuses(here=False), asks=0) == Stays("it is not connected", well=False)


def test_what_was_out_of_service_before_is_left_so() -> None:
    seen = with_statuses(c1="Unavailable", c2="Available")
    assert stuck(Row("CP-1", "checking", 1.0, out_before=(1,)), seen) == ()
    assert stuck(Row("CP-1", "checking", 1.0, out_before=(0,)), seen) == ()
    assert stuck(Row("CP-1", "checking", 1.0, out_before=(0,), drained=(2,)), seen) == (2,)


def test_a_status_that_was_not_told_is_asked_for() -> None:
    stale = replace(SEEN, stale=(1, 2))
    text = "connector 1 has not told its status since the boot"
    assert check(stale) == Asks("status", text, 1, well=False)
    assert check(stale, asks=1, asked=60.0) == Asks("status", text, 2, well=False)
    assert check(replace(stale, may_trigger=False)) == Stays("it is watched for a while", well=True)
    assert check(stale, asks=6) == Stays("it is watched for a while", well=True), "it is believed then"
    fault = replace(with_statuses(c1="Faulted"), stale=(1,))
    assert check(fault) == Asks("status", "connector 1 reports a fault", 1, well=False)
    assert check(replace(fault, may_trigger=False)) == Stays("connector 1 reports a fault", well=False)


def test_what_is_said_of_settings() -> None:
    assert settings_text(0, may_repair=True) is None
    assert settings_text(1, may_repair=True) == "one setting is not as before"
    off = "2 settings are not as before; automatic_calls is off: nothing is put right"
    assert settings_text(2, may_repair=False) == off
    assert settings_text(None, may_repair=True) == "its settings were not read"
    assert settings_text(None, may_repair=False) == "its settings were not read: automatic_calls is off"
