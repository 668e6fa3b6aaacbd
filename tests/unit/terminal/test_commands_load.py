"""`why`: words and JSON; and that a decision on record survives the support bundle to the last bit."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.__main__ import main
from gateway.model.circuits import TemporaryLimit
from gateway.model.load_memory import CircuitMemory, ConnectorMemory, Memory
from gateway.rules.balance import decide
from gateway.store.load_decisions import LoadRecord, pack, read_record, text_of_record
from tests.unit.rules.load_pictures import METERED, charging, picture, reading
from tests.unit.terminal.fake_api import FakeApi, serving

ANSWER = {
    "station": "CP/1", "connector": 2, "at": "2027-01-15T08:00:00.000Z", "recorded_at": None, "limit_amps": 16.0,
    "binding": {"circuit": "main", "phase": 1, "source": "installer"}, "text": "CP/1 connector 2 may draw 16 A.",
    "alternatives": [{"what": "w", "limit_amps": 32.0, "text": "Without it, 32 A."}],
    "connectors": [{"connector": 1, "limit_amps": 0.0, "text": "CP/1 connector 1 has no session."},
                   {"connector": 2, "limit_amps": 16.0, "text": "CP/1 connector 2 may draw 16 A."}],
}  # fmt: skip


@pytest.fixture
def api(tmp_path: Path) -> Iterator[FakeApi]:
    with serving(tmp_path) as served:
        yield served


def do(config: Path, *words: str) -> int:
    return main([*words, "--config", str(config)])


def test_why_in_words(config: Path, api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    api.will_answer("GET /api/v1/stations/CP%2F1/why", ANSWER)
    assert do(config, "why", "CP/1") == 0
    assert capsys.readouterr().out == (
        "CP/1 connector 2 may draw 16 A.\n- Without it, 32 A.\n\nCP/1 connector 1 has no session.\n"
    )
    assert do(config, "why", "CP/1", "--json") == 0
    assert json.loads(capsys.readouterr().out) == ANSWER


def test_why_then_says_when_that_was_decided(config: Path, api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    recorded = {**ANSWER, "recorded_at": "2027-01-15T07:59:00.000Z", "text": "words\x1b[2J"}
    line = "GET /api/v1/stations/CP%2F1/why?at=2027-01-15T09%3A00%3A00%2B01%3A00&connector=2"
    api.will_answer(line, recorded)
    assert do(config, "why", "CP/1", "--at", "2027-01-15T09:00:00+01:00", "--connector", "2") == 0
    first, second, *_ = capsys.readouterr().out.splitlines()
    assert first == "Decided 2027-01-15 08:59:00, the newest on record by then:"
    assert second == "words?[2J"


def test_no_answer_is_told_and_ends_with_1(config: Path, api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    problem = {"title": "Not Found", "status": 404, "detail": "no decision of then or before is on record"}
    api.will_answer("GET /api/v1/stations/CP/why", problem, status=404, kind="application/problem+json")
    assert do(config, "why", "CP", "--at", "2027-01-15") == 1
    assert "no decision of then or before is on record" in capsys.readouterr().err


def test_a_decision_out_of_a_support_bundle_is_decided_the_same_again(
    config: Path, api: FakeApi, tmp_path: Path
) -> None:
    odd = (1 / 3, 0.1 + 0.2, 1e-17)
    seen = picture(
        charging(1, 47.0 / 3, measured_amps=odd), charging(2, 8.0), circuits=(METERED,), readings=(reading(*odd),),
        limits=(TemporaryLimit("main", (20.1, 20.2, 20.3), "token"),), at=12345.678901234567,
    )  # fmt: skip
    before = Memory(
        {"CP/1": ConnectorMemory("one", (0, 2), old_cap_amps=1 / 7)}, {"main": CircuitMemory(good_at=1 / 3, level=odd)}
    )
    record = LoadRecord(seen, before, decide(seen, before)[1])
    documents = [json.loads(text_of_record(pack(record)))] * 3
    pages = "GET /api/v1/site/decisions?records=true&limit="
    items = [{"decision_id": 9 - n, "text": "x", "record": one} for n, one in enumerate(documents)]
    api.will_answer(f"{pages}100", {"items": items[:2], "next": "8"})
    api.will_answer(f"{pages}98&after=8", {"items": items[2:], "next": None})
    target = tmp_path / "bundle.tar.gz"
    assert do(config, "support-bundle", str(target)) == 0
    with tarfile.open(target) as archive:
        file = archive.extractfile("ocpp-gateway-support/load_decisions.json")
        assert file is not None
        kept = json.loads(file.read())["items"]
    assert len(kept) == 3
    read = read_record(json.dumps(kept[2]["record"]).encode())
    assert read == record and decide(read.picture, read.before)[1] == record.decision
