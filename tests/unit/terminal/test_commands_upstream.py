"""`upstream`, `upstream forget`, and what `status` says of links to fleet managers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.__main__ import main
from gateway.terminal.client import API
from tests.unit.terminal.fake_api import FakeApi
from tests.unit.terminal.test_command_lines import EMPTY, api, do

__all__ = ["api"]

LIST = f"GET {API}/upstreams"
DONE = {"acked": 7, "newest": 7, "backlog": 0, "oldest_unacknowledged_time": None, "in_window": 0}
FLEET: dict[str, Any] = {
    "name": "fleet",
    "connected": True,
    "connected_since": "2026-01-01T11:00:00.000Z",
    "trouble": None,
    "alarms": [],
    "hosts": {"billing": {"state": "online", "timestamp": "2026-01-01T10:00:00.000Z"}},
    "streams": {
        "tx": {**DONE, "newest": 9, "backlog": 2, "oldest_unacknowledged_time": "2026-01-01T11:30:00.000Z"},
        "ops": DONE,
        "meter": DONE,
    },
}
AWAY = {**FLEET, "name": "grid", "connected": False, "connected_since": None, "trouble": "nobody\x1b[2J answers"}


def answer(api: FakeApi, *items: object) -> None:
    api.will_answer(LIST, {"items": list(items), "next": None})


def test_a_line_for_each_stream(api: FakeApi, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer(api, FLEET)
    assert do(config, "upstream") == 0
    lines = capsys.readouterr().out.splitlines()
    expected = "fleet connected 2026-01-01 12:00:00 tx 7 9 2 2026-01-01 12:30:00"
    assert lines[1].split() == expected.split()
    assert lines[2].split() == ["ops", "7", "7", "0", "-"]
    assert lines[4] == "fleet: billing is online since 2026-01-01 11:00:00"


def test_one_that_is_away_or_has_an_alarm_ends_with_1(
    api: FakeApi, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answer(api, FLEET, AWAY)
    assert do(config, "upstream") == 1
    said = capsys.readouterr().out
    assert "grid: nobody?[2J answers" in said and "AWAY" in said
    answer(api, {**FLEET, "alarms": ["it is too large"]})
    assert do(config, "upstream") == 1
    assert "fleet: attention, it is too large" in capsys.readouterr().out


def test_nothing_is_configured(api: FakeApi, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert do(config, "upstream") == 0
    assert "[[upstream]]" in capsys.readouterr().out
    assert do(config, "upstream", "--json") == 0
    assert json.loads(capsys.readouterr().out) == EMPTY


def test_leaving_a_fleet(api: FakeApi, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = f"POST {API}/upstreams/fl%2Feet/forget"
    api.will_answer(line, {"name": "fl/eet", "topics": ["a/up/state"]})
    assert do(config, "upstream", "forget", "fl/eet") == 0
    assert "cleared a/up/state" in capsys.readouterr().out
    assert do(config, "upstream", "forget", "fl/eet", "--json") == 0
    assert json.loads(capsys.readouterr().out)["topics"] == ["a/up/state"]
    api.will_answer(line, {"detail": "fl/eet is not connected"}, status=409)
    assert do(config, "upstream", "forget", "fl/eet") == 1
    assert "is not connected" in capsys.readouterr().err


def test_status_has_a_line_for_each(api: FakeApi, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer(api, FLEET, AWAY)
    assert main(["status", "--config", str(config)]) == 0
    said = capsys.readouterr().out
    assert "Upstream  fleet: connected, 2 events wait to be acknowledged" in said
    assert "Upstream  grid: AWAY, 2 events" in said
