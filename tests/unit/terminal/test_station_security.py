"""`station security` against a stand-in API: what it asks, what it prints, how it ends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.__main__ import main
from tests.unit.terminal.fake_api import FakeApi, serving

PATH = "/api/v1/stations/CP%201/security"
STATE: dict[str, Any] = {
    "station": "CP 1",
    "security_profile": 1,
    "profiles_to_come": [2],
    "has_password": True,
    "passwords_to_come": [{"answer": "lost", "asked_time": "2027-01-15T08:00:00.000Z"}],
    "told_profile": None,
    "connected_profile": 3,
    "certificate": {
        "common_name": "CP 1", "serial_number": "0a", "fingerprint": "ff", "issuer": "Root",
        "not_after": "2030-01-01T00:00:00.000Z",
    },
    "tls_port": 9443,
}  # fmt: skip
SENT = {"action": "ChangeConfiguration", "command_id": "1", "status": "answered", "response": {"status": "Accepted"}}


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("OCPP_GATEWAY_URL", raising=False)
    file = tmp_path / "gateway.toml"
    file.write_text(f'[site]\nid = "s"\n[data]\ndirectory = "{tmp_path}"\n')
    return file


@pytest.fixture
def api(tmp_path: Path) -> Iterator[FakeApi]:
    with serving(tmp_path) as served:
        served.will_answer(f"GET {PATH}", STATE)
        yield served


def do(config: Path, *words: str) -> int:
    return main(["station", "security", "CP 1", *words, "--config", str(config)])


def asked(api: FakeApi) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(api.requests[0][2])
    return document


def test_the_state_is_shown(config: Path, api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    assert do(config) == 0
    assert capsys.readouterr().out.splitlines() == [
        "security profile: 1 (password)",
        "accepted as well until it is used: profile 2",
        "password here: yes",
        "sent, and accepted as well until one is used: 1 new password(s)",
        "connected with: profile 3",
        "certificate: CP 1, signed by Root, until 2030-01-01T00:00:00.000Z",
        "TLS port: 9443",
    ]
    bare = STATE | {
        "profiles_to_come": [], "passwords_to_come": [], "connected_profile": None, "certificate": None,
        "tls_port": None,
    }  # fmt: skip
    api.will_answer(f"GET {PATH}", bare)
    assert do(config) == 0
    assert capsys.readouterr().out.splitlines()[2:] == ["connected with: not connected", "TLS port: none ([ocpp.tls])"]
    assert do(config, "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"security": bare}


def test_a_new_password_is_printed_once(config: Path, api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = {"done": True, "password": "ab" * 20, "steps": [SENT], "security": STATE}
    api.will_answer(f"POST {PATH}", outcome)
    assert do(config, "--new-password", "--profile", "2", "--reset") == 0
    assert asked(api) == {"new_password": True, "security_profile": 2, "reset": True}
    said = capsys.readouterr().out
    assert said.startswith(
        f"CP 1 was sent ChangeConfiguration: Accepted\nnew password, shown only now: {'ab' * 20}\nsecurity profile: 1"
    )


def test_what_was_not_accepted_ends_with_1(config: Path, api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    step = {"action": "Reset", "command_id": "1", "status": "call_error", "code": "InternalError", "warning": "odd"}
    api.will_answer(f"POST {PATH}", {"done": False, "steps": [step], "security": STATE})
    assert do(config, "--reset") == 1
    shown = capsys.readouterr()
    assert "CP 1 was sent Reset: call_error InternalError\n" in shown.out and shown.err == "warning: odd\n"
    problem = {"title": "x", "detail": "the station was asked nothing", "errors": []}
    api.will_answer(f"POST {PATH}", problem, status=422)
    assert do(config, "--profile", "1") == 1
    assert capsys.readouterr().err.strip().endswith("the station was asked nothing")


def test_a_password_from_a_file(config: Path, api: FakeApi, tmp_path: Path) -> None:
    api.will_answer(f"POST {PATH}", {"done": True, "steps": [SENT], "security": STATE})
    (tmp_path / "secret").write_text("0123456789abcdef\n")
    assert do(config, "--password-file", str(tmp_path / "secret")) == 0
    assert asked(api) == {"password": "0123456789abcdef"}
    for content in (b"", b"\xff"):
        (tmp_path / "secret").write_bytes(content)
        assert do(config, "--password-file", str(tmp_path / "secret")) == 2
    assert do(config, "--password-file", str(tmp_path / "nothing")) == 2


def test_here_changes_the_gateways_side_only(config: Path, api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    api.will_answer("PUT /api/v1/stations/CP%201", {"id": "CP 1"})
    assert do(config, "--here", "--profile", "0") == 0
    assert asked(api) == {"security_profile": 0}
    api.requests.clear()
    assert do(config, "--here", "--new-password", "--json") == 0
    shown = json.loads(capsys.readouterr().out.partition("\n{")[2].join(["{", ""]))
    assert asked(api) == {"password": shown["password"]} and len(shown["password"]) == 40
    assert not any(line.startswith("POST") for line in api.lines())
    assert do(config, "--here") == 2
    assert do(config, "--here", "--profile", "1", "--reset") == 2
