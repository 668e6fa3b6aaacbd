"""`firmware campaigns` and `firmware campaign ...`: what is asked of the gateway, and what people read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.terminal.client import API
from tests.unit.terminal.fake_api import FakeApi
from tests.unit.terminal.test_command_lines import api, do

__all__ = ["api"]

LIST = f"{API}/firmware/campaigns"
STATION: dict[str, Any] = {
    "station": "CP-1", "wave": 0, "state": "downloading", "since": "2026-01-01T11:00:00.000Z", "failure": None,
    "detail": "it has 50 % of the image", "tries": 1, "version_before": "1.0", "version": "1.0",
    "served": {"served_upto": 500, "size": 1000},
}  # fmt: skip
SPRING: dict[str, Any] = {
    "campaign_id": "c1", "name": "spring", "version": "2.0", "state": "running", "why": None, "wave": 0,
    "counts": {"waiting": 2, "downloading": 1}, "created_time": "2026-01-01T10:00:00.000Z", "stations": [STATION],
}  # fmt: skip
FAILED = {**STATION, "station": "CP-2", "state": "failed", "failure": "lost", "detail": "it has not come back"}


def test_a_line_for_each_campaign(api: FakeApi, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    api.will_answer(f"GET {LIST}", {"items": [SPRING], "next": None})
    assert do(config, "firmware", "campaigns", "--open") == 0
    line = capsys.readouterr().out.splitlines()[1]
    assert "c1        spring  2.0      running     0  2 waiting, 1 downloading" in line
    assert "open=true" in api.lines()[0]


def test_a_halted_one_ends_with_1(api: FakeApi, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    halted = {**SPRING, "state": "halted", "why": "a canary has failed", "stations": [FAILED]}
    api.will_answer(f"GET {LIST}", {"items": [halted], "next": None})
    api.will_answer(f"GET {LIST}/c1", halted)
    assert do(config, "firmware", "campaigns") == 1
    assert do(config, "firmware", "campaign", "show", "c1") == 1
    out = capsys.readouterr().out
    assert "halted, a canary has failed; wave 0; 2 waiting, 1 downloading" in out
    assert "lost: it has not come back" in out


def test_one_is_shown(api: FakeApi, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    api.will_answer(f"GET {LIST}/c1", SPRING)
    assert do(config, "firmware", "campaign", "show", "c1") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "spring (c1): version 2.0"
    assert "50 %" in lines[3]
    assert do(config, "firmware", "campaign", "show", "c1", "--json") == 0
    assert json.loads(capsys.readouterr().out) == SPRING


def test_the_policy_is_put_together_from_options(
    api: FakeApi, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    api.will_answer(f"POST {LIST}", SPRING, status=201)
    arguments = [
        "firmware", "campaign", "start", "spring", "--image", "i1", "--station", "CP-1", "--station", "CP-2",
        "--policy", '{"canary": 5, "tries": 1}', "--canary", "2", "--max-failures", "20%", "--window", "01:00-05:00",
        "--drain",
    ]  # fmt: skip
    assert do(config, *arguments) == 0
    assert json.loads(api.requests[0][2]) == {
        "name": "spring",
        "image_id": "i1",
        "stations": ["CP-1", "CP-2"],
        "policy": {
            "canary": 2, "tries": 1, "max_failures": "20%", "window": {"from": "01:00", "to": "05:00"}, "drain": True,
        },
    }  # fmt: skip


@pytest.mark.parametrize("wrong", [["--window", "1-5"], ["--policy", "x"]])
def test_what_is_not_understood_is_said(api: FakeApi, config: Path, wrong: list[str]) -> None:
    assert do(config, "firmware", "campaign", "plan", "--image", "i1", *wrong) == 2
    assert api.lines() == []


def test_a_plan_tells_reasons(api: FakeApi, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = {"station": "CP-1", "version": "1.0", "takes_part": True, "wave": 0, "reasons": []}
    two = {**one, "station": "CP-2", "wave": 1, "reasons": [{"code": "charging", "text": "somebody uses it"}]}
    no = {**one, "station": "CP-3", "takes_part": False, "wave": None, "reasons": [{"code": "model", "text": "other"}]}
    plan = {"stations": [one, two, no], "remarks": ["it cannot be used: nobody has approved it"]}
    api.will_answer(f"POST {LIST}/plan", plan)
    assert do(config, "firmware", "campaign", "plan", "--image", "i1", "--max-failures", "3") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(maxsplit=3) for line in lines[1:4]] == [
        ["CP-1", "1.0", "0", "ready"], ["CP-2", "1.0", "1", "waits: somebody uses it"], ["CP-3", "1.0", "no", "other"],
    ]  # fmt: skip
    assert lines[4] == "the image: it cannot be used: nobody has approved it"
    api.will_answer(f"POST {LIST}/plan", {"stations": [no]})
    assert do(config, "firmware", "campaign", "plan", "--image", "i1") == 1


@pytest.mark.parametrize("word", ["pause", "resume", "abort", "retry", "approve"])
def test_steering(api: FakeApi, config: Path, capsys: pytest.CaptureFixture[str], word: str) -> None:
    api.will_answer(f"POST {LIST}/c1/{word}", {**SPRING, "state": "paused"})
    assert do(config, "firmware", "campaign", word, "c1") == 0
    assert capsys.readouterr().out == "spring is paused: 2 waiting, 1 downloading\n"
    api.will_answer(f"POST {LIST}/c2/{word}", {"title": "Conflict", "detail": "no"}, status=409)
    assert do(config, "firmware", "campaign", word, "c2") == 1
