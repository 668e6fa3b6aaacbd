"""`limits`, `limits set`, `limits remove`: what is shown, what is sent, what is refused before anything is sent."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.__main__ import main
from gateway.terminal.client import API
from tests.unit.terminal.fake_api import FakeApi
from tests.unit.terminal.test_command_lines import api, do

__all__ = ["api"]

SITE = f"GET {API}/site"
LIST = f"GET {API}/site/limits"
PATH = f"{API}/site/limits/row%20a"
MAIN = {
    "name": "main",
    "parent": None,
    "limit_amps": [63, 63, 63],
    "effective_limit_amps": [40, 63, 63],
    "source": "dso",
    "measured_amps": [12.345, None, 0],
    "allotted_amps": [30, 20, 10],
    "headroom_amps": [-2.5, 43, 53],
    "mode": "hold",
}
ROW = {**MAIN, "name": "row a", "measured_amps": None, "mode": "normal", "source": "installer"}
LOWER = {
    "circuit": "main",
    "source": "dso",
    "limit_amps": [40, 63, 63],
    "until": "2027-01-31T12:00:00.000Z",
    "set_by": "token 2 (grid)",
    "set_time": "2027-01-31T10:00:00.000Z",
}


def sent(api: FakeApi) -> dict[str, Any]:
    line, _, body = api.requests[-1]
    assert line == f"PUT {PATH}"
    document = json.loads(body)
    assert isinstance(document, dict)
    return document


def test_circuits_phase_by_phase_and_the_lower_limits(
    api: FakeApi, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    api.will_answer(SITE, {"circuits": [MAIN, ROW], "stations": []})
    api.will_answer(LIST, {"items": [LOWER], "next": None})
    assert do(config, "limits") == 0
    said = capsys.readouterr().out.splitlines()
    assert [line.split() for line in said[1:3]] == [
        ["main", "1", "63.0", "40.0", "12.3", "30.0", "-2.5", "hold", "dso"],
        ["main", "2", "63.0", "63.0", "-", "20.0", "43.0", "hold", "dso"],
    ]
    assert said[4].startswith("row a") and said[7] == ""
    assert "UNTIL (Europe/Amsterdam)" in said[8]
    assert said[9].split("  ")[0] == "main" and "2027-01-31 13:00:00" in said[9] and "token 2 (grid)" in said[9]


def test_no_lower_limit_and_no_circuit(api: FakeApi, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    api.will_answer(LIST, {"items": [], "next": None})
    api.will_answer(SITE, {"circuits": [MAIN], "stations": []})
    assert do(config, "limits") == 0
    assert "UNTIL" not in capsys.readouterr().out
    api.will_answer(SITE, {"circuits": [], "stations": []})
    assert do(config, "limits") == 0
    assert capsys.readouterr().out.startswith("No circuit is configured")


def test_all_of_it_as_a_document(api: FakeApi, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    api.will_answer(LIST, {"items": [LOWER], "next": None})
    api.will_answer(SITE, {"circuits": [MAIN], "stations": []})
    assert do(config, "limits", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"circuits": [MAIN], "stations": [], "limits": [LOWER]}
    assert api.lines() == [SITE, LIST], "neither takes a parameter"


@pytest.mark.parametrize(
    ("words", "body"),
    [
        (["16"], {"limit_amps": 16}),
        (["16,16,10.5"], {"limit_amps": [16, 16, 10.5]}),
        (["11000W", "--source", "dso"], {"limit_watts": 11000, "source": "dso"}),
        (["0", "--until", "2027-01-31T13:00:00+01:00"], {"limit_amps": 0, "until": "2027-01-31T12:00:00.000Z"}),
    ],
)
def test_what_is_sent(api: FakeApi, config: Path, words: list[str], body: dict[str, Any]) -> None:
    api.will_answer(f"PUT {PATH}", {**LOWER, "limit_amps": [16, 16, 16]})
    assert do(config, "limits", "set", "row a", *words) == 0
    assert sent(api) == body


@pytest.mark.parametrize(("words", "seconds"), [("90m", 5400), ("2h", 7200), ("1.5d", 129_600), ("30s", 30)])
def test_the_end_is_computed(api: FakeApi, config: Path, words: str, seconds: float) -> None:
    api.will_answer(f"PUT {PATH}", LOWER)
    assert do(config, "limits", "set", "row a", "16", "--for", words) == 0
    until = datetime.fromisoformat(sent(api)["until"])
    assert abs(until - datetime.now(UTC) - timedelta(seconds=seconds)) < timedelta(seconds=20)


def test_what_is_said_of_a_set_limit(api: FakeApi, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    api.will_answer(f"PUT {PATH}", {**LOWER, "limit_amps": [16, 16, 16], "source": "api"})
    assert do(config, "limits", "set", "row a", "16") == 0
    assert capsys.readouterr().out == "row a: at most 16.0 A for api until it is removed\n"
    api.will_answer(f"PUT {PATH}", LOWER)
    assert do(config, "limits", "set", "row a", "40,63,63", "--until", "2027-01-31T12:00:00Z") == 0
    said = capsys.readouterr().out
    assert said == "row a: at most 40.0, 63.0, 63.0 A for dso until 2027-01-31 13:00:00 (Europe/Amsterdam)\n"
    assert do(config, "limits", "set", "row a", "16", "--json") == 0
    assert json.loads(capsys.readouterr().out) == LOWER


def test_taking_away(api: FakeApi, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    api.will_answer(f"DELETE {PATH}", b"", status=204)
    assert do(config, "limits", "remove", "row a") == 0
    assert capsys.readouterr().out == "row a: the limit of api is gone\n"
    assert api.lines()[-1] == f"DELETE {PATH}"
    assert do(config, "limits", "remove", "row a", "--source", "d s&o", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {}
    assert api.lines()[-1] == f"DELETE {PATH}?source=d%20s%26o"


def test_the_gateway_says_no(api: FakeApi, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert do(config, "limits", "remove", "main") == 1
    assert "nothing" in capsys.readouterr().err
    problem = {
        "title": "Unprocessable",
        "detail": "the limit cannot be set like this",
        "errors": [{"field": "limit_amps", "detail": "expected no more than the installer's limit of 63 A"}],
    }
    api.will_answer(f"PUT {API}/site/limits/main", problem, status=422, kind="application/problem+json")
    assert do(config, "limits", "set", "main", "99") == 1
    assert "no more than the installer's limit of 63 A" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["much"], "AMPS: expected a number"),
        (["16,x,16"], "AMPS: expected a number"),
        (["16", "--until", "soon"], "--until: expected a time such as"),
        (["16", "--for", "2"], "--for: expected a time such as 90m"),
        (["16", "--for", "0h"], "--for: expected"),
        (["16", "--for", "99999d"], "--for: expected"),
    ],
)
def test_what_makes_no_sense_is_not_sent(
    api: FakeApi, config: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert do(config, "limits", "set", "row a", *words) == 2
    assert said in capsys.readouterr().err
    assert api.requests == []


@pytest.mark.parametrize("words", [["set", "main"], ["set", "main", "16", "--for", "1h", "--until", "x"], ["remove"]])
def test_what_the_grammar_does_not_have(words: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["limits", *words])
    assert ended.value.code == 2
