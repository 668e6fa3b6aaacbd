"""The AsyncAPI document: valid by the official schema, whole, and about the same things as the program."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from gateway.contract.documents import DOCUMENTS
from gateway.model import fleet_documents
from gateway.model.fleet_commands import Unclear
from gateway.model.journal import METER_KIND, SITE_KIND
from gateway.rules import fleet_commands
from gateway.rules.envelopes import TYPE_OF_KIND
from gateway.store.events import STREAM_OF_KIND
from tests.upstream.contract_check import complaints_about, document_as_told

ROOT = Path(__file__).parents[2]
OFFICIAL = ROOT / "tests/end_to_end/foreign/node_modules/@asyncapi/specs/schemas/3.0.0.json"
PREFIX = "ocpp-gateway/v1/site-0042"


def test_every_reference_resolves() -> None:
    document = document_as_told()
    assert [target for target in references(document) if resolved(document, target) is None] == []


def references(part: object) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for value in part.values():
            yield from references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)


def resolved(document: dict[str, Any], target: str) -> object:
    place: Any = document
    for step in target.removeprefix("#/").split("/"):
        place = place.get(step) if isinstance(place, dict) else None
    return place


def test_every_kind_of_event_is_a_message_in_its_stream() -> None:
    kinds = {**STREAM_OF_KIND, METER_KIND: "meter", SITE_KIND: "meter"}
    expected = {TYPE_OF_KIND.get(kind, (kind, None))[0]: stream for kind, stream in kinds.items()}
    expected["transaction.corrected"] = "tx"
    told = {}
    for name in document_as_told()["channels"]["events"]["messages"]:
        if name != "events":
            _, own = document_as_told()["components"]["messages"][name]["payload"]["allOf"]
            told[name] = own["properties"]["stream"]["const"]
    assert told == expected


def test_every_document_is_a_message() -> None:
    assert tuple(DOCUMENTS) == fleet_documents.DOCUMENTS


def test_every_type_of_command_is_a_message() -> None:
    asked = fleet_commands.read({"id": "1", "type": "nonsense"}, size_bytes=10)
    assert isinstance(asked, Unclear)
    known = re.findall(r"[a-z_.]+\.?[a-z_]+", asked.why.description.removeprefix("known types are "))
    told = {name.removeprefix("command.") for name in document_as_told()["channels"]["commands"]["messages"]}
    assert told == set(known)


def test_every_type_of_event_and_every_topic_is_in_the_page() -> None:
    page = (ROOT / "docs" / "fleet.md").read_text()
    types = dict(re.findall(r"^\| `([a-z_.]+)` \| (tx|ops|meter) \|$", page, re.MULTILINE))
    messages = document_as_told()["components"]["messages"]
    assert types == {
        name: messages[name]["payload"]["allOf"][1]["properties"]["stream"]["const"]
        for name in document_as_told()["channels"]["events"]["messages"]
        if name != "events"
    }
    told = set(re.findall(r"^\| `({root}[^`]*)` \|", page, re.MULTILINE))
    assert told == {channel["address"] for channel in document_as_told()["channels"].values()}


def test_the_event_in_the_page_is_one() -> None:
    page = (ROOT / "docs" / "fleet.md").read_text()
    shown = [json.loads(text) for text in re.findall(r"^```json\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)]
    (event,) = [one for one in shown if "specversion" in one]
    complaints = complaints_about(f"{PREFIX}/up/evt/tx/CP~2A1", json.dumps(event).encode())
    assert all("required property" in complaint for complaint in complaints), "its data is only a part"
    (ack,) = [one for one in shown if "upto" in one]
    assert complaints_about(f"{PREFIX}/dn/ack", json.dumps(ack).encode()) == []
    (command,) = [one for one in shown if "target" in one]
    assert complaints_about(f"{PREFIX}/dn/cmd", json.dumps(command).encode()) == []


def test_every_parameter_of_an_address_is_told() -> None:
    for channel in document_as_told()["channels"].values():
        assert set(channel["parameters"]) == set(re.findall(r"{(\w+)}", channel["address"]))


@pytest.mark.slow
class TestByTheOfficialSchema:
    """Its file is installed by ./dev test beside the station clients of other people."""

    def test_the_document_is_valid(self) -> None:
        errors = Draft7Validator(json.loads(OFFICIAL.read_text())).iter_errors(document_as_told())
        assert [(list(error.absolute_path), error.message[:500]) for error in errors] == []

    @pytest.mark.parametrize(
        ("path", "value"),
        [
            (("operations", "sendEvents", "bindings", "mqtt", "qos"), 3),
            (("operations", "sendEvents", "action"), "publish"),
            (("channels", "state", "adress"), "x"),
            (("servers", "broker", "host"), None),
        ],
    )
    def test_the_schema_sees_what_is_wrong(self, path: tuple[str, ...], value: object) -> None:
        document = copy.deepcopy(document_as_told())
        place: Any = document
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value
        assert not Draft7Validator(json.loads(OFFICIAL.read_text())).is_valid(document)


EVENT = {
    "specversion": "1.0",
    "id": "7f3a9c1e:ops:7",
    "source": "ocpp-gateway/site-0042",
    "type": "ocpp-gateway.station.knocked.v1",
    "subject": "station/CP%2A1",
    "time": "2026-11-22T06:58:31.412Z",
    "datacontenttype": "application/json",
    "epoch": "7f3a9c1e",
    "stream": "ops",
    "sequence": 7,
    "recordedtime": "2026-11-22T06:58:31.640Z",
    "historical": False,
    "data": {"address": "192.0.2.1"},
}


def test_a_good_event_is_not_complained_about() -> None:
    topic = f"{PREFIX}/up/evt/ops/CP~2A1"
    assert complaints_about(topic, json.dumps(EVENT).encode(), qos=1, retain=False) == []
    assert (
        complaints_about(topic, json.dumps([EVENT]).encode(), content_type="application/cloudevents-batch+json") == []
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"data": {"address": 5}}, "is not of type 'string'"),
        ({"data": {}}, "'address' is a required property"),
        ({"data": {"address": "a", "more": 1}}, "'more' was unexpected"),
        ({"new": 1}, "'new' was unexpected"),
        ({"stream": "tx"}, "stream is 'tx'"),
        ({"sequence": 8}, "the id is"),
        ({"type": "ocpp-gateway.station.nonsense.v1"}, "no type"),
        ({"subject": "station/CP-1"}, "on the topic of CP~2A1"),
        ({"time": "2026-11-22T06:58:31+01:00"}, "does not match"),
    ],
)
def test_what_is_wrong_with_an_event_is_told(change: dict[str, object], words: str) -> None:
    complaints = complaints_about(f"{PREFIX}/up/evt/ops/CP~2A1", json.dumps({**EVENT, **change}).encode())
    assert any(words in complaint for complaint in complaints), complaints


@pytest.mark.parametrize(
    ("suffix", "payload", "words"),
    [
        ("up/state", {"state": "online", "session": 3, "at": "2026-11-22T06:58:31Z"}, None),
        ("up/state", {"state": "gone", "session": 3}, "is not one of"),
        ("up/nonsense", {}, "no channel has this address"),
        ("dn/ack", {"epoch": "a", "stream": "tx", "upto": 4, "gap": True}, None),
        ("dn/ack", {"epoch": "a", "stream": "tx"}, "'upto' is a required property"),
        ("dn/cmd", {"id": "1", "type": "ping"}, None),
        ("dn/cmd", {"id": "1", "type": "pong"}, "no message command.pong"),
        ("dn/cmd", {"id": "1", "type": "station.reset"}, "'target' is a required property"),
        ("dn/des/nonsense", {}, "no message document.nonsense"),
    ],
)
def test_other_messages_are_held_to_their_schemas(suffix: str, payload: object, words: str | None) -> None:
    complaints = complaints_about(f"{PREFIX}/{suffix}", json.dumps(payload).encode())
    assert any(words in complaint for complaint in complaints) if words else complaints == [], complaints


def test_how_it_is_sent_counts_too() -> None:
    payload = json.dumps({"state": "online", "session": 3}).encode()
    assert complaints_about(f"{PREFIX}/up/state", payload, retain=False) == ["state: retain is False, told is True"]
    assert complaints_about(f"{PREFIX}/up/state", b"", retain=True) == []
    assert complaints_about(f"{PREFIX}/up/res", b"")
