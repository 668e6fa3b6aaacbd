"""`user`: codes with and without a daemon, accounts through the API, passwords never in arguments."""

from __future__ import annotations

import io
import json
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.__main__ import main
from gateway.operations.manage_users import create_code_offline
from gateway.rules.people import code_as_compared
from gateway.store.tokens import digest_of
from gateway.terminal import commands_people
from tests.unit.terminal.fake_api import FakeApi, serving
from tests.unit.web.conftest import configuration_in

USERS = "/api/v1/users"
ANN = {
    "user_id": 7,
    "name": "Ann",
    "role": "installer",
    "created_time": "2027-01-15T08:00:00Z",
    "password_time": "2027-01-15T08:00:00Z",
    "last_seen_time": None,
}
CODE = {"code_id": 1, "role": "viewer", "name": None, "expires_time": "2027-01-22T08:00:00Z", "code": "7K3M-X09D-TQ4W"}


@pytest.fixture
def api(tmp_path: Path) -> Iterator[FakeApi]:
    with serving(tmp_path) as served:
        served.will_answer(f"GET {USERS}", {"items": [ANN], "next": None})
        served.will_answer(f"POST {USERS}/codes", CODE, status=201)
        yield served


def do(config: Path, *words: str) -> int:
    return main([*words, "--config", str(config)])


def typed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


def test_a_code_is_made_without_a_daemon(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert do(config, "user", "code", "--role", "installer") == 0
    said = capsys.readouterr().out
    assert said.startswith("Open http://127.0.0.1:8080/ and enter this code for a new installer, good once, until ")
    code = said.split()[-1]
    assert re.fullmatch(r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}", code)
    database = sqlite3.connect(tmp_path / "gateway.db")
    rows = database.execute("SELECT digest, role, made_by FROM one_time_codes").fetchall()
    assert rows == [(digest_of(code_as_compared(code)), "installer", "command line")]
    assert database.execute("SELECT kind, actor FROM events").fetchall() == [("code.created", "command line")]
    database.close()
    content = b"".join(file.read_bytes() for file in tmp_path.glob("gateway.db*"))
    assert code.encode() not in content and code_as_compared(code).encode() not in content


def test_json_says_where_the_page_is(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert do(config, "user", "code", "--role", "viewer", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["page"] == "http://127.0.0.1:8080/" and told["role"] == "viewer" and len(told["code"]) == 14


def test_a_code_for_nobody_is_refused_offline_and_one_for_the_first_is_made_once(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert do(config, "user", "code", "--for", "Ann") == 1
    assert "nobody is called Ann" in capsys.readouterr().err
    assert do(config, "user", "code", "--role", "installer", "--if-nobody") == 0
    assert capsys.readouterr().out
    database = sqlite3.connect(tmp_path / "gateway.db", isolation_level=None)
    database.execute("INSERT INTO users VALUES (1, 'Ann', 'ann', 'installer', 'x', 1, 1)")
    database.close()
    assert do(config, "user", "code", "--role", "installer", "--if-nobody") == 0
    assert capsys.readouterr().out == ""
    assert do(config, "user", "code", "--for", "aNN") == 0
    assert "this code for Ann" in capsys.readouterr().out
    made = create_code_offline(configuration_in(tmp_path), role=None, name="Ann")
    assert made is not None and (made.row.role, made.row.user_id) == ("installer", 1)


def test_a_damaged_database_is_told_in_words(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "gateway.db").write_bytes(b"no database at all" * 100)
    assert do(config, "user", "code", "--role", "viewer") == 1
    assert "restore a backup" in capsys.readouterr().err


def test_a_running_gateway_makes_the_code(api: FakeApi, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert do(config, "user", "code", "--role", "viewer") == 0
    assert capsys.readouterr().out.split()[-1] == CODE["code"]
    assert do(config, "user", "code", "--for", "ann") == 0
    assert [json.loads(body) for line, _, body in api.requests if line.startswith("POST")] == [
        {"role": "viewer"},
        {"user_id": 7},
    ]
    assert do(config, "user", "code", "--role", "viewer", "--if-nobody") == 0
    assert do(config, "user", "code", "--for", "Bob") == 1
    assert sum(line.startswith("POST") for line in api.lines()) == 2


def test_users_are_listed(api: FakeApi, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert do(config, "user", "list") == 0
    heading, ann = capsys.readouterr().out.splitlines()
    assert heading.startswith("NAME  ROLE") and ann.startswith("Ann   installer  2027-01-15 09:00:00")
    assert do(config, "user", "--json") == 0
    assert json.loads(capsys.readouterr().out)["items"] == [ANN]


def test_a_user_is_made_changed_and_removed(
    api: FakeApi, config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    api.will_answer(f"POST {USERS}", {**ANN, "name": "Bob"}, status=201)
    api.will_answer(f"PATCH {USERS}/7", ANN)
    api.answers[f"DELETE {USERS}/7"] = (204, "text/plain", b"")
    typed(monkeypatch, "correct horse\nsomething else\n")
    assert do(config, "user", "create", "Bob", "--role", "operator") == 0
    typed(monkeypatch, "another horse")
    assert do(config, "user", "password", "Ann") == 0
    assert do(config, "user", "role", "ann", "viewer") == 0
    assert do(config, "user", "remove", "Ann") == 0
    sent = [json.loads(body) for line, _, body in api.requests if line.startswith(("POST", "PATCH"))]
    assert sent == [
        {"name": "Bob", "role": "operator", "password": "correct horse"},
        {"password": "another horse"},
        {"role": "viewer"},
    ]
    assert f"DELETE {USERS}/7" in api.lines()
    said = capsys.readouterr().out
    assert "user Bob made\n" in said and "user Ann removed\n" in said and "horse" not in said
    assert do(config, "user", "remove", "Nobody") == 1


def test_on_a_terminal_the_password_is_asked_for_twice(
    api: FakeApi, config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    api.will_answer(f"PATCH {USERS}/7", ANN)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    answers = iter(["correct horse", "correct horse", "correct horse", "wrong horse"])
    monkeypatch.setattr(commands_people.getpass, "getpass", lambda prompt: next(answers))
    assert do(config, "user", "password", "Ann") == 0
    assert json.loads(api.requests[-1][2]) == {"password": "correct horse"}
    asked = len(api.requests)
    assert do(config, "user", "password", "Ann") == 2
    assert "differ" in capsys.readouterr().err and not any(line.startswith("PATCH") for line in api.lines()[asked:])


@pytest.mark.parametrize(
    "words",
    [
        ["code"],
        ["code", "--role", "king"],
        ["code", "--role", "viewer", "--for", "A"],
        ["create", "A"],
        ["role", "A", "x"],
    ],
)
def test_what_makes_no_sense(words: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["user", *words])
    assert ended.value.code == 2


def test_the_next_step_tells_of_the_page_while_nobody_has_an_account(
    api: FakeApi, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    api.will_answer("GET /healthz", {"status": "ok", "components": {}})
    api.will_answer("GET /api/v1/stations", {"items": [], "next": None})
    assert do(config, "next-step") == 0
    assert "web page" not in capsys.readouterr().out
    api.will_answer(f"GET {USERS}", {"items": [], "next": None})
    assert do(config, "next-step") == 0
    said = capsys.readouterr().out
    assert "web page: http://127.0.0.1:8080/, first account: sudo ocpp-gateway user code --role installer" in said
    del api.answers[f"GET {USERS}"]
    assert do(config, "next-step") == 0
    assert "web page" not in capsys.readouterr().out
