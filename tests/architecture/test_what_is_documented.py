"""What the gateway can do is written down: event kinds, answered actions."""

from __future__ import annotations

import re
from pathlib import Path

from gateway.ocpp.v16.actions import ACTIONS
from gateway.ocpp.v16.from_station import REQUEST_TYPES
from gateway.operations.answer_stations import ANSWERED_AT_ONCE, ANSWERS
from gateway.operations.do_fleet_commands import HANDLERS
from gateway.rules.fleet_commands import TYPES
from gateway.store.events import STREAM_OF_KIND

DOCS = Path(__file__).parents[2] / "docs"


def test_every_event_kind_is_documented() -> None:
    documented = set(re.findall(r"^\| `([a-z_]+\.[a-z_]+)` \|", (DOCS / "events.md").read_text(), re.MULTILINE))
    assert documented == set(STREAM_OF_KIND)


def test_every_type_and_every_error_of_fleet_managers_commands_is_documented() -> None:
    told = set(re.findall(r"`([\w.]+)`", (DOCS / "fleet-commands.md").read_text()))
    assert told >= TYPES
    sources = [file.read_text() for file in (DOCS.parent / "gateway").rglob("*.py")]
    sources = [text for text in sources if "from gateway.model.fleet_commands import" in text]
    codes = {code for text in sources for code in re.findall(r'Complaint\(\s*"(\w+)"', text)}
    assert {"bad_request", "interrupted", "limit_refused"} <= codes <= told


def test_every_type_of_command_is_carried_out() -> None:
    assert HANDLERS.keys() == TYPES


def test_every_request_of_a_station_is_answered() -> None:
    sent_by_stations = {action for action, facts in ACTIONS.items() if facts.by_station}
    assert ANSWERS.keys() | ANSWERED_AT_ONCE == sent_by_stations == set(REQUEST_TYPES) | set()
    assert not ANSWERS.keys() & ANSWERED_AT_ONCE
