"""What is told of a fleet manager's command."""

from __future__ import annotations

import json

from gateway.model.fleet_commands import Complaint, Ended
from gateway.model.instants import seconds_later
from gateway.rules import fleet_results
from tests.unit.store.opened_database import NOW

FIRST = fleet_results.under_way("1", "ping", "accepted", received_at=NOW, started_at=None)


def test_every_document_is_complete() -> None:
    assert FIRST == {"id": "1", "type": "ping", "status": "accepted", "received_at": "2027-01-15T08:00:00.000Z"}
    later = seconds_later(NOW, 1)
    begun = fleet_results.under_way("1", "ping", "running", received_at=NOW, started_at=later)
    assert begun == {**FIRST, "status": "running", "started_at": "2027-01-15T08:00:01.000Z"}
    ended = fleet_results.over(begun, Ended("succeeded", {"a": 1}, more={"gateway_command_id": "c"}), later)
    finished = {"response": {"a": 1}, "gateway_command_id": "c", "finished_at": "2027-01-15T08:00:01.000Z"}
    assert ended == {**begun, "status": "succeeded", **finished}


def test_an_error_has_a_code_and_words() -> None:
    ended = fleet_results.over(FIRST, Ended("failed", error=Complaint("unanswered", "no answer")), NOW)
    assert ended["error"] == {"code": "unanswered", "description": "no answer"}
    assert "response" not in ended


def test_an_answer_that_no_broker_would_take_is_left_out() -> None:
    large = {"data": "x" * 50_000}
    error = Complaint("X" * 10_000, "y" * 10_000)
    ended = fleet_results.over(FIRST, Ended("failed", large, error, {"request": large, "warning": "z" * 10_000}), NOW)
    assert ended["response"] == ended["request"] == {"left_out_bytes": 50_012}
    assert len(json.dumps(ended)) < 10_000


def test_the_journal_names_the_command_of_the_fleet_manager() -> None:
    ended = fleet_results.over(FIRST, Ended("succeeded", {}, more={"gateway_command_id": "c"}), NOW)
    told = fleet_results.for_journal(ended, upstream="fleet", actor="fleet:fleet")
    assert (told["command_id"], told["fleet_command_id"], told["gateway_command_id"]) == ("1", "1", "c")
    assert (told["upstream"], told["actor"], told["status"]) == ("fleet", "fleet:fleet", "succeeded")
    assert "id" not in told
