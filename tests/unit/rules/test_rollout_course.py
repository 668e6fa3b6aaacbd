"""The course of a campaign: waves, halts, approval, the end, and what people may wish."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.rules.firmware_rollout import State
from gateway.rules.rollout_course import (
    Campaign,
    Member,
    Turn,
    Wish,
    after_wish,
    gives_up,
    in_words,
    is_over,
    next_turn,
    waves_of,
)
from gateway.rules.rollout_policy import Policy

HOUR = 3600.0


def members(*states: tuple[int, State]) -> list[Member]:
    return [Member(*one) for one in states]


def turn(state: Any, found: list[Member], policy: Policy | None = None, **more: Any) -> Turn | None:
    terms = {"wave": 0, "wave_seconds": 0.0, **more}
    return next_turn(Campaign(state, **terms), found, policy or Policy())


def test_waves() -> None:
    names = [f"CP-{number}" for number in range(11)]
    assert list(waves_of(names, Policy()).values()) == [0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert list(waves_of(names[:3], Policy(canary=0, wave_share=1.0)).values()) == [1, 1, 1]
    assert list(waves_of(names[:2], Policy(canary=5)).values()) == [0, 0]
    assert waves_of([], Policy()) == {}


def test_a_wave_follows_when_the_one_before_has_ended() -> None:
    found = members((0, "done"), (2, "waiting"), (3, "waiting"))
    assert turn("running", found) == Turn("running", 2)
    assert turn("running", members((0, "checking"), (1, "waiting"))) is None
    assert turn("running", members((0, "done"), (1, "waiting")), wave=1) is None
    assert turn("running", members((0, "skipped"), (1, "waiting"))) == Turn("running", 1)


def test_missing_stations_are_waited_for_only_so_long() -> None:
    late = {"wave_seconds": 25 * HOUR}
    away = members((0, "waiting"), (0, "done"), (1, "waiting"))
    assert turn("running", away) is None
    assert turn("running", away, **late) == Turn("running", 1)
    assert turn("running", members((0, "waiting"), (1, "waiting")), **late) is None, "no canary was updated"
    assert turn("running", members((1, "waiting"), (2, "waiting")), wave=1, **late) == Turn("running", 2)
    assert turn("running", members((1, "installing"), (2, "waiting")), wave=1, **late) is None
    assert turn("running", members((0, "done"), (1, "waiting")), wave=1, **late) is None, "there is no other wave"


def test_after_the_canary_somebody_has_to_approve() -> None:
    found, policy = members((0, "done"), (1, "waiting")), Policy(pause_after_canary=True)
    stopped = turn("running", found, policy)
    assert stopped is not None and (stopped.state, stopped.wave) == ("waiting", 0)
    assert turn("waiting", found, policy) is None
    assert turn("running", members((1, "done"), (2, "waiting")), policy, wave=1) == Turn("running", 2)


def test_it_halts() -> None:
    def why(found: list[Member], policy: Policy | None = None, **more: Any) -> str | None:
        halted = turn("running", found, policy, **more)
        assert halted is None or halted.state in ("halted", "running")
        return halted.why if halted is not None and halted.state == "halted" else None

    canary = members((0, "failed"), (1, "waiting"))
    assert why(canary, Policy(max_failures=9)) == "a canary has failed"
    assert why(canary, accepted_failures=1) is None
    later = members((0, "done"), (1, "failed"), (1, "waiting"))
    assert why(later, wave=1) == "one station has failed"
    assert why(later, Policy(max_failures=2), wave=1) is None
    assert why([*later, Member(1, "failed")], Policy(max_failures=2), wave=1) == "2 stations have failed"
    assert why(later, Policy(max_failures_percent=50.0), wave=1) is None
    assert why(later, Policy(max_failures_percent=1.0), wave=1) == "one station has failed"
    gone = "its image cannot be used: it was withdrawn"
    assert why(members((0, "waiting")), image_reason="it was withdrawn") == gone
    assert why(members((0, "checking")), image_reason="it was withdrawn") is None, "nobody needs it any more"


@pytest.mark.parametrize("state", ["running", "waiting", "paused", "halted"])
def test_it_ends_when_all_have_ended(state: str) -> None:
    found = members((0, "done"), (1, "failed"), (1, "done"), (2, "skipped"), (2, "aborted"))
    assert turn(state, found) == Turn("finished", 0, "2 done, 1 skipped, 1 failed, 1 aborted")
    assert turn("finished", found) is None
    assert turn("aborted", found) is None
    assert in_words([]) == "no stations"


def test_what_is_over() -> None:
    ended, under_way = members((0, "done")), members((0, "sent"))
    assert is_over(Campaign("aborted", 0, 0.0), ended)
    assert not is_over(Campaign("aborted", 0, 0.0), under_way)
    assert not is_over(Campaign("running", 0, 0.0), ended)
    assert gives_up(Campaign("running", 0, 30 * 86_400.0), Policy())
    assert not gives_up(Campaign("running", 0, 29 * 86_400.0), Policy())
    assert not gives_up(Campaign("paused", 0, 99 * 86_400.0), Policy())


@pytest.mark.parametrize(
    ("wish", "state", "expected"),
    [
        ("pause", "running", Turn("paused", 1)),
        ("pause", "waiting", Turn("paused", 1)),
        ("pause", "halted", "a campaign that is halted cannot be paused"),
        ("resume", "paused", Turn("running", 1)),
        ("resume", "halted", Turn("running", 1)),
        ("resume", "running", "a campaign that is running cannot be resumed"),
        ("approve", "waiting", Turn("running", 2)),
        ("approve", "running", "a campaign that is running cannot be approved"),
        ("abort", "running", Turn("aborted", 1)),
        ("abort", "halted", Turn("aborted", 1)),
        ("abort", "aborted", "a campaign that is aborted cannot be aborted"),
        ("abort", "finished", "a campaign that is finished cannot be aborted"),
        ("retry", "halted", Turn("running", 1)),
        ("retry", "finished", Turn("running", 1)),
    ],
)
def test_wishes(wish: Wish, state: Any, expected: Turn | str) -> None:
    found = members((0, "failed"), (1, "waiting"), (2, "waiting"))
    assert after_wish(wish, Campaign(state, 1, 0.0), found) == expected


def test_wishes_that_cannot_be() -> None:
    gone = "its image cannot be used: x"
    assert after_wish("resume", Campaign("paused", 0, 0.0, image_reason="x"), members((0, "waiting"))) == gone
    assert after_wish("retry", Campaign("halted", 0, 0.0, image_reason="x"), members((0, "failed"))) == gone
    nobody = "none of its stations has failed"
    assert after_wish("retry", Campaign("halted", 0, 0.0), members((0, "done"))) == nobody
    busy = after_wish("retry", Campaign("aborted", 0, 0.0), members((0, "failed"), (0, "sent")))
    assert busy == "it was aborted, and stations are still under way"
    over = after_wish("retry", Campaign("aborted", 0, 0.0), members((0, "failed"), (0, "done")))
    assert over == Turn("running", 0)
    assert after_wish("approve", Campaign("waiting", 0, 0.0), members((0, "done"))) == Turn("running", 0)
