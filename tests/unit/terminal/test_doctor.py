"""`doctor`: the gateway's findings, or those of a machine on which no gateway runs; exit 1 when anything is bad."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.__main__ import main
from tests.unit.terminal.fake_api import serving

CHECK = "GET /api/v1/network-check"


def finding(state: str, **more: object) -> dict[str, object]:
    return {"check": "disk", "subject": None, "state": state, "text": "1 GB", "advice": None, **more}


def test_with_the_gateway(tmp_path: Path, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(tmp_path) as api:
        api.will_answer(CHECK, {"items": [finding("good"), finding("warning", advice="make room")], "next": None})
        assert main(["doctor", "--config", str(config)]) == 0
        assert "disk: make room" in capsys.readouterr().out
        api.will_answer(CHECK, {"items": [finding("bad", subject="x", advice="at once")], "next": None})
        assert main(["doctor", "--config", str(config)]) == 1
        assert "disk x: at once" in capsys.readouterr().out
        assert main(["doctor", "--json", "--config", str(config)]) == 1
        assert json.loads(capsys.readouterr().out)["items"][0]["state"] == "bad"
        api.will_answer(CHECK, {"detail": "no"}, status=403)
        assert main(["doctor", "--config", str(config)]) == 77


def test_without_the_gateway(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json", "--config", str(config)]) == 1
    items = json.loads(capsys.readouterr().out)["items"]
    assert items[0]["text"] == "the gateway does not run"
    assert {"addresses", "stations_port", "default_route", "clock", "certificate", "disk"} <= {
        one["check"] for one in items
    }
