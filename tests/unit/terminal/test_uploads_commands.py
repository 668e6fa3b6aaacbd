"""`diagnostics`: asking a station, waiting for what it uploads, and fetching it whole or not at all."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.__main__ import main
from gateway.terminal import commands_uploads as module
from tests.unit.terminal.fake_api import FakeApi, serving

pytestmark = pytest.mark.slow

ASK = "POST /api/v1/stations/CP-1/diagnostics"
JOBS, UPLOADS = "GET /api/v1/stations/CP-1/jobs", "GET /api/v1/uploads"
CONTENT = b"all is well\n" * 10_000


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("OCPP_GATEWAY_URL", "OCPP_GATEWAY_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(module, "_LOOK_SECONDS", 0.0)
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "gateway.toml"
    file.write_text(f'[site]\nid = "s"\n[data]\ndirectory = "{tmp_path}"\n')
    return file


@pytest.fixture
def api(tmp_path: Path) -> Iterator[FakeApi]:
    with serving(tmp_path) as served:
        yield served


def do(config: Path, *words: object) -> int:
    return main([*map(str, words), "--config", str(config)])


def upload(**changes: object) -> dict[str, object]:
    usual = {
        "upload_id": 12, "station": "CP-1", "kind": "log", "reason": "noise", "file_name": "log.txt",
        "size": len(CONTENT), "sha256": hashlib.sha256(CONTENT).hexdigest(), "empty": False,
        "received_time": "2027-01-15T08:00:00.000Z", "missing_time": None, "forwarding": None, "forward_to": None,
        "forward_error": None,
    }  # fmt: skip
    return {**usual, **changes}


def page(*items: object) -> dict[str, Any]:
    return {"items": list(items), "next": None}


def answered(response: dict[str, object]) -> dict[str, object]:
    return {"command_id": "c1", "status": "answered", "response": response, "request": {"location": "http://h/u/x"}}


def job(status: str, result: str | None, detail: str | None = None) -> dict[str, object]:
    return {"command_id": "c1", "status": status, "result": result, "detail": detail}


def test_the_wishes_reach_the_gateway(config: Path, api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    api.will_answer(ASK, answered({"status": "AcceptedCanceled"}))
    words = ("--log", "security", "--since", "2027-01-01", "--until", "2027-01-02", "--reason", "noise")
    assert do(config, "diagnostics", "ask", "CP-1", *words) == 0
    assert json.loads(api.requests[0][2]) == {
        "log": "security", "from": "2027-01-01", "to": "2027-01-02", "reason": "noise",
    }  # fmt: skip
    assert "AcceptedCanceled" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("document", "status"),
    [
        (answered({"status": "Rejected"}), 200),
        (answered({}), 200),
        ({"command_id": "c1", "status": "not_connected"}, 409),
        ({"detail": "CP-1 has no security log", "status": 409}, 409),
    ],
)
def test_a_no_is_exit_1(config: Path, api: FakeApi, document: dict[str, object], status: int) -> None:
    api.will_answer(ASK, document, status=status)
    assert do(config, "diagnostics", "ask", "CP-1", "--wait") == 1
    assert api.lines() == [ASK], "nobody waits for what will not come"


def test_it_waits_until_the_file_is_there(config: Path, api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    api.will_answer(ASK, answered({"fileName": "d.zip"}))
    api.will_answer(JOBS, page(job("Uploaded", "succeeded")))
    api.will_answer(UPLOADS, page(upload(size=0, empty=True)))
    assert do(config, "diagnostics", "ask", "CP-1", "--wait") == 0
    shown = capsys.readouterr().out
    assert "log.txt" in shown and "empty" in shown
    assert do(config, "diagnostics", "ask", "CP-1", "--wait", "--json") == 0
    assert json.loads(capsys.readouterr().out)["items"][0]["upload_id"] == 12
    assert any(line.startswith(f"{UPLOADS}?command=c1") for line in api.lines())


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (job("UploadFailed", "failed"), "UploadFailed: nothing arrived"),
        (job("Uploaded", "succeeded", "the station says so"), "Uploaded: the station says so"),
        (job("Uploading", None), "nothing has arrived yet, the station says Uploading"),
    ],
)
def test_what_does_not_come_is_told(
    config: Path, api: FakeApi, capsys: pytest.CaptureFixture[str], told: dict[str, object], words: str
) -> None:
    api.will_answer(ASK, answered({"fileName": "d.zip"}))
    api.will_answer(JOBS, page(told))
    api.will_answer(UPLOADS, page())
    assert do(config, "diagnostics", "ask", "CP-1", "--wait", "--patience", 1) == 1
    assert words in capsys.readouterr().err


def test_the_list_says_what_is_remarkable(config: Path, api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    lost = upload(
        missing_time="2027-01-15T08:00:00.000Z", forwarding="given_up", forward_to="fleet", forward_error="404"
    )
    api.will_answer(UPLOADS, {"items": [lost, upload(forwarding="waiting", forward_to="fleet")], "next": "3"})
    assert do(config, "diagnostics", "list", "--station", "CP-1", "--limit", 2) == 0
    shown = capsys.readouterr().out
    assert "not on the disk any more; not wanted by fleet: 404" in shown
    assert "waits to be forwarded to fleet: soon" in shown and "--limit 4" in shown
    assert do(config, "diagnostics", "list", "--json", "--limit", 2) == 0


def test_a_file_is_fetched_whole_or_not_at_all(
    config: Path, api: FakeApi, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    api.will_answer("GET /api/v1/uploads/12", upload())
    api.will_answer("GET /api/v1/uploads/12/file", CONTENT, kind="application/octet-stream")
    assert do(config, "diagnostics", "get", 12) == 0
    assert (tmp_path / "log.txt").read_bytes() == CONTENT
    assert do(config, "diagnostics", "get", 12) == 2, "it is there already"
    target = tmp_path / "other.txt"
    assert do(config, "diagnostics", "get", 12, "--output", target, "--json") == 0
    assert target.read_bytes() == CONTENT
    api.will_answer("GET /api/v1/uploads/12/file", CONTENT[:-1], kind="application/octet-stream")
    target.write_bytes(b"before")
    assert do(config, "diagnostics", "get", 12, "--output", target) == 1
    assert target.read_bytes() == b"before"
    assert "did not come whole" in capsys.readouterr().err
    assert do(config, "diagnostics", "get", 13) == 1
    assert not list(tmp_path.glob(".*.part"))


def test_a_name_of_the_gateway_leads_nowhere_else(config: Path, api: FakeApi, tmp_path: Path) -> None:
    api.will_answer("GET /api/v1/uploads/12", upload(file_name="../../x.txt"))
    api.will_answer("GET /api/v1/uploads/12/file", CONTENT, kind="application/octet-stream")
    assert do(config, "diagnostics", "get", 12) == 0
    assert (tmp_path / "x.txt").exists()


def test_deleting_and_forwarding(config: Path, api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    api.will_answer("DELETE /api/v1/uploads/12", b"", status=204)
    api.will_answer("POST /api/v1/uploads/12/forward", upload())
    for words in (("delete", 12), ("delete", 12, "--json"), ("forward", 12), ("forward", 12, "--json")):
        assert do(config, "diagnostics", *words) == 0
    assert "upload 12 is deleted" in capsys.readouterr().out
    assert do(config, "diagnostics", "delete", 13) == 1
